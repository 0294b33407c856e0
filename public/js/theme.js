// Before the first paint: the theme the reader chose, if it isn't the system's. A classic script on purpose.
try {
  const theme = localStorage.getItem("sprint-runner.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // No storage (private window, blocked cookies): the system's theme it is.
}
