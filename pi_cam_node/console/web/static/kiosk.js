// A screen on the wall: pages of four, awake, never the same pixels for long, and whole again by itself.

import { LiveView } from "./live.js";

const PAGE_MS = 20_000;
const SHIFT_MS = 60_000;
const DEADLINE_MS = 10_000;
const MEMORY_MAX_BYTES = 600 * 1024 * 1024;
const DARK_LUX = 3;
const RELOAD_HOUR = 4;
const MOVED_MS = 3_000;
const wall = document.getElementById("wall");
const panes = [...wall.querySelectorAll(".pane")];
const pages = Math.max(1, Math.ceil(panes.length / 4));
let page = 0;
let shift = 0;
let lock;
let still;

function show() {
  const here = panes.filter((pane) => Number(pane.dataset.page) === page);
  for (const pane of panes) pane.hidden = !here.includes(pane);
  wall.classList.toggle("few-1", here.length === 1);
  wall.classList.toggle("few-2", here.length === 2);
}

function enlarge(number) {
  const pane = panes.find((one) => !one.hidden && Number(one.dataset.number) === number);
  for (const one of panes) one.classList.toggle("enlarged", one === pane && !one.classList.contains("enlarged"));
}

// One that is large becomes small; with none, people who are logged in leave the wall.
function leave() {
  if (panes.some((pane) => pane.classList.contains("enlarged"))) enlarge(0);
  else document.querySelector(".out")?.click();
}

// The way out is there for a moment after somebody moved the mouse, or touched the screen.
function moved() {
  document.body.classList.add("moved");
  clearTimeout(still);
  still = setTimeout(() => document.body.classList.remove("moved"), MOVED_MS);
}

async function stayAwake() {
  if (document.hidden || !("wakeLock" in navigator)) return;
  lock = await navigator.wakeLock.request("screen").catch(() => undefined);
}

// Loads anew where there are other cameras than before, and dims where it is dark in front of one.
async function look() {
  const answer = await fetch("/api/nodes", { signal: AbortSignal.timeout(DEADLINE_MS) }).catch(() => undefined);
  const { nodes } = (answer?.ok && (await answer.json().catch(() => undefined))) || {};
  if (!nodes) return;
  const shown = panes.map((pane) => pane.querySelector(".screen").dataset.camera).sort().join();
  if (nodes.map(({ id }) => id).sort().join() !== shown) location.reload();
  const lux = nodes.map(({ states }) => Number.parseFloat(states.lux)).find((value) => !Number.isNaN(value));
  wall.classList.toggle("dim", lux < DARK_LUX);
}

addEventListener("keydown", ({ key }) => {
  if ("1234".includes(key)) enlarge(Number(key));
  else if (key === "Escape") leave();
  else if (key === "ArrowRight" || key === "ArrowLeft") {
    page = (page + (key === "ArrowRight" ? 1 : pages - 1)) % pages;
    show();
  }
});
wall.addEventListener("dblclick", ({ target }) => enlarge(Number(target.closest(".pane")?.dataset.number)));
for (const event of ["pointermove", "pointerdown"]) addEventListener(event, moved);
document.addEventListener("visibilitychange", stayAwake);
document.body.addEventListener("new-build", () => location.reload());
document.body.addEventListener("changed-nodes", look);

show();
stayAwake();
new LiveView({ fps: 5 });
if (pages > 1 && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
  setInterval(() => {
    if (panes.some((pane) => pane.classList.contains("enlarged"))) return;
    page = (page + 1) % pages;
    show();
  }, PAGE_MS);
}
setInterval(() => {
  shift = (shift + 1) % 4;
  wall.classList.remove("shift-1", "shift-2", "shift-3");
  if (shift) wall.classList.add(`shift-${shift}`);
  look();
  const memory = performance.memory?.usedJSHeapSize ?? 0;
  const now = new Date();
  const isNight = now.getHours() === RELOAD_HOUR && now.getMinutes() === 0;
  if ((memory > MEMORY_MAX_BYTES || isNight) && document.getElementById("unreached").hidden) location.reload();
}, SHIFT_MS);
