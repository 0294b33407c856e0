/** What this server is: the facts that settings do not change. */
import { count, exact, plural, span } from "../format.js";
import { attribute, h, keyed, show, text } from "../render.js";

export function serverFacts() {
  const list = h("dl", { class: "set-facts" });
  // A page without its server has no such page beside it.
  const api = h("p", { class: "set-meta", hidden: true }, h("a", { class: "button is-small", href: "api" }, "Read the API"));
  const el = h("div", { class: "set-side-box" }, h("h2", {}, "This server"), list,
    h("p", { class: "set-meta" }, "What stands in sprint-runner.toml, in flags and in the environment is read at the start."), api);

  return {
    el,
    /** @param {any} server @param {import("../main.js").App} app */
    update(server, { live, line }) {
      show(api, true);
      const up = Math.max(0, live.now - server.started_at);
      const facts = [
        ["Project", live.model.project || "no name given"],
        ["Version", server.version],
        ["Up for", line.live ? span(up) : "not reached just now", exact(server.started_at)],
        ["Reached from", server.on_network ? "other machines too" : "this machine only"],
        ["Token", server.token ? "asked for" : "none needed"],
        ["Control", server.read_only ? "read-only" : "allowed"],
        ["Observed batch ends", `after ${plural(server.observed_idle_minutes, "minute")} of silence`],
        ["Grace of a stop", plural(server.stop_grace_seconds, "second")],
        ["Log", `${count(live.model.last_event_id)} events, epoch ${server.epoch}`],
        ["Database schema", server.schema],
      ];
      keyed(list, facts.map(([name, value, title = null]) => ({ name, value, title })), ({ name }) => name, ({ name }) => {
        const told = h("dd");
        return { el: h("div", {}, h("dt", {}, name), told), update({ value, title }) { text(told, value); attribute(told, "title", title); } };
      });
    },
  };
}
