/**
 * The part of the fold that keeps what is known of the three files: their state and their issues.
 *
 * @typedef {import("./model.js").State} State
 * @typedef {import("./model.js").WireEvent} WireEvent
 */

/** @param {State} state @param {any} payload @param {WireEvent} event */
export function sourceState(state, payload, event) {
  state.revision += 1;
  const { file } = payload;
  const reset = payload.state === "reset";
  // A file begun anew was read well: what is told is that its content was replaced.
  const word = reset ? "ok" : payload.state;

  let source = state.sources.find((one) => one.file === file);
  if (!source) {
    source = { file, state: null, since: null, message: null, line: null, column: null };
    state.sources.push(source);
  }
  if (source.state !== word) source.since = event.timestamp;
  source.state = word;
  source.message = payload.message ?? null;
  source.line = payload.line ?? null;
  source.column = payload.column ?? null;

  if (Array.isArray(payload.issues) || reset) {
    const issues = (payload.issues ?? []).map((/** @type {any} */ issue) => ({
      file,
      severity: issue.severity,
      code: issue.code,
      line: issue.line ?? null,
      column: issue.column ?? null,
      message: issue.message,
      hint: issue.hint ?? null,
    }));
    // Kept in the order in which the files came to be known.
    state.issues = state.sources.flatMap((one) => (one.file === file ? issues : state.issues.filter((issue) => issue.file === one.file)));
  }
  if (payload.project != null) state.project = payload.project;
  if (payload.sprint_state != null) {
    if (state.sprint_state !== payload.sprint_state) state.since = event.timestamp;
    state.sprint_state = payload.sprint_state;
  }
}
