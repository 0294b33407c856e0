/** The overview of all projects of a server: one question every other second, one drawing a second. */
import { lamp } from "./beacon.js";
import { base, serverNow } from "./api.js";
import { brand, sign } from "./icons.js";
import { chooseTheme, theme, THEMES } from "./look.js";
import { watchProjects } from "./projects-poll.js";
import { sumOf } from "./projects-words.js";
import { attribute, h } from "./render.js";
import { mount } from "./views/projects.js";

const byId = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const update = mount(byId("projects"));
const button = h("button", { class: "icon-button", type: "button", on: { click: () => chooseTheme(THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]) } }, sign("theme"));
byId("header-end").append(button);
byId("brand").prepend(brand());

function tellTheme() {
  attribute(button, "aria-label", `Theme: ${theme()}`);
  attribute(button, "title", `Theme: ${theme()}`);
}
addEventListener("themechange", tellTheme);
tellTheme();

/** @type {import("./projects-poll.js").Known} */
let known = { projects: null, live: false, lostAt: null, why: null };
function draw() {
  const { title, kind } = sumOf(known.projects, known.live);
  if (document.title !== title) document.title = title;
  lamp(/** @type {any} */ (kind));
  if (!document.hidden) update({ known, now: serverNow() });
}
watchProjects(base, (now) => {
  known = now;
  draw();
});
setInterval(draw, 1000);
document.addEventListener("visibilitychange", draw);
draw();
