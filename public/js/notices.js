/** What of the events is worth hearing without looking, or worth a notice. */
import { announce } from "./beacon.js";
import { warningNotice } from "./run.js";

const OLD_MS = 60_000;

/**
 * @param {import("./model.js").WireEvent} event @param {number} now
 * @param {{toast: (notice: import("./toast.js").Notice) => void, stopping: boolean}} to stopping: asked for on this very page
 */
export function notice({ type, payload: p, timestamp }, now, { toast, stopping }) {
  if (now - timestamp > OLD_MS || !p || p.imported) return;
  if (type === "batch:end") announce(`Batch ${p.batch_id} ended: ${p.status}`);
  else if (type === "batch:start") announce(`Batch ${p.batch_id} began`);
  else if (type === "cycle:start") announce(`Cycle ${p.cycle_number} began`);
  else if (type === "story:status" && p.status_class === "done" && p.old_status != null) announce(`Story ${p.story_id ?? p.story_key} is done`);
  // Who has just asked for the stop need not be told that it was heard.
  else if (type === "batch:warning" && !(stopping && p.state === "stopping")) toast(warningNotice(p));
  else if (type === "error") toast({ ...warningNotice({ ...p, warning_type: p.type || "error" }), tone: "bad" });
}
