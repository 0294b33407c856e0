/** Beats for a page that is hidden, while it is told to; see pulse.js. */
/** @type {ReturnType<typeof setInterval>|undefined} */
let timer;
onmessage = ({ data: beats }) => {
  clearInterval(timer);
  if (beats) timer = setInterval(() => postMessage(0), 500);
};
