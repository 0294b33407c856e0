/** Beats for a page that is hidden; see pulse.js. */
setInterval(() => postMessage(0), 500);
