/** What of the events is worth hearing without looking, or worth a notice. */
import { announce } from "./beacon.js";
import { endWords, warningNotice } from "./run.js";

const OLD_MS = 60_000;

/**
 * @param {import("./model.js").WireEvent} event @param {number} now
 * @param {{toast: (notice: import("./toast.js").Notice) => void, stopping: boolean}} to stopping: asked for on this very page
 */
export function notice({ type, payload: p, timestamp, source }, now, { toast, stopping }) {
  if (now - timestamp > OLD_MS || !p || p.imported) return;
  if (type === "batch:end") {
    // The view of the run tells it at length.
    if (p.status === "error" && !/^#run\b/.test(location.hash)) toast({ tone: "bad", title: `Batch ${p.batch_id} ended with an error`, text: endWords(p).text });
    else announce(`Batch ${p.batch_id} ended: ${p.status}`);
  // What a batch of ours blocks comes as a warning of its own.
  } else if (type === "story:status" && source !== "orchestrator" && p.old_status != null && /^(blocked|failed)\b/i.test(p.new_status ?? "")) toast({ tone: "bad", title: "A story needs you", text: `${p.story_id ?? p.story_key} is ${p.new_status}.` });
  else if (type === "batch:start") announce(`Batch ${p.batch_id} began`);
  else if (type === "cycle:start") announce(`Cycle ${p.cycle_number} began`);
  else if (type === "story:status" && p.status_class === "done" && p.old_status != null) announce(`Story ${p.story_id ?? p.story_key} is done`);
  // Who has just asked for the stop need not be told that it was heard.
  else if (type === "batch:warning" && !(stopping && p.state === "stopping")) toast(warningNotice(p));
  else if (type === "error") toast({ ...warningNotice({ ...p, warning_type: p.type || "error" }), tone: "bad" });
}
