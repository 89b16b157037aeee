// Takes pictures: of now, and of what the camera saw so many seconds ago.

import { command } from "./api.js";
import { byId, clockTime, element, say } from "./dom.js";
import { own } from "./history.js";
import { wordsOf } from "./words.js";

const SETTLE_MS = 120; // a slider that moves asks for the moment where it comes to rest

const ago = byId("ago");
const preview = byId("preview");
let settle = 0;
let moved = false;

/** Wires the buttons; `taken` is called after each reply. */
export function wireShoot(taken) {
  byId("save").addEventListener("click", () => take(byId("save"), "save", {}, taken));
  byId("past").addEventListener("click", () => take(byId("past"), "pastStack", { at: Number(ago.value) }, taken));
  ago.addEventListener("input", () => {
    moved = true;
    showAgo();
    look();
  });
  ago.addEventListener("change", look);
  for (const kind of ["load", "error"]) preview.addEventListener(kind, () => (byId("preview-frame").hidden = kind === "error"));
}

/** Shows what the camera saw at the moment under the slider; nothing is saved by looking. */
function look() {
  clearTimeout(settle);
  settle = setTimeout(() => {
    const seconds = Number(ago.value);
    preview.alt = `What the camera saw ${seconds} seconds ago`;
    preview.src = `past.jpg?at=${seconds}&_=${Date.now()}`;
  }, SETTLE_MS);
}

/** Takes the reach of the slider from the ring, and until it is moved its place from the setting. */
export function reach(ringSeconds, beforeSeconds, online) {
  const most = Math.max(0, Math.floor(Number(ringSeconds) || 0));
  ago.step = most > 120 ? 1 : 0.5;
  ago.max = most;
  ago.disabled = byId("past").disabled = most === 0;
  if (most === 0 || !online) byId("preview-frame").hidden = true;
  if (!moved) ago.value = Math.min(beforeSeconds ?? 0, most);
  byId("save").disabled = !online;
  showAgo();
}

/** Takes the buttons away while nobody would answer. */
export function hold() {
  byId("save").disabled = byId("past").disabled = true;
  byId("preview-frame").hidden = true;
}

function showAgo() {
  const seconds = Number(ago.value);
  const text = ago.disabled ? "nothing is held yet" : `${seconds} s ago`;
  byId("ago-text").textContent = ago.disabled ? text : `${text}, at ${clockTime(Date.now() - seconds * 1000)}`;
  ago.setAttribute("aria-valuetext", text);
}

async function take(button, verb, argumentsOf, taken) {
  const said = byId("shot");
  if (button.ariaDisabled === "true") return; // not `disabled`: that would take the focus away
  button.ariaDisabled = "true";
  say(said, "Working …", "waiting");
  const reply = await command(verb, argumentsOf);
  say(said, wordsOf(verb, reply), reply.ok ? "ok" : "refused");
  if (reply.ok && reply.data.url) said.append(" ", element("a", { href: own(reply.data.url), target: "_blank", rel: "noopener" }, "Open it"));
  button.ariaDisabled = "false";
  taken();
}
