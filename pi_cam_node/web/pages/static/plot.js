// Draws the last hour of brightness. A level holds until the next one: smaller changes are not told.

import { byId, clockTime } from "./dom.js";

const HOUR_S = 3600;
const TOP_LEVEL = 255;
// In CSS pixels, as wide as the page has room for: scaled, the words would be as large as headings on a tablet.
const AREA = { left: 28, right: 352, top: 8, bottom: 128 };
const HEIGHT = 150;
const MARGIN = 8;

/**
 * Draws points [epoch seconds, level or null]; null says that nobody knew from then on.
 * Thresholds {name: level} are dashed lines. `now` is the node's, in epoch seconds: its clock need not be the reader's.
 */
export function plot(points, thresholds, online, now) {
  const svg = byId("plot");
  if (svg.clientWidth) AREA.right = svg.clientWidth - MARGIN; // none while nothing is laid out
  svg.setAttribute("viewBox", `0 0 ${AREA.right + MARGIN} ${HEIGHT}`);
  const start = now - HOUR_S;
  const x = (time) => AREA.left + ((Math.max(time, start) - start) / HOUR_S) * (AREA.right - AREA.left);
  const y = (level) => AREA.bottom - (level / TOP_LEVEL) * (AREA.bottom - AREA.top);
  const drawn = [...axes(x, y, now)];
  for (const run of runs(points, start, now, online)) {
    const line = run.map(([time, level], i) => (i ? `H${x(time).toFixed(1)}V${y(level).toFixed(1)}` : `M${x(time).toFixed(1)} ${y(level).toFixed(1)}`)).join("") + "h0";
    const base = `V${y(0)}H${x(run[0][0]).toFixed(1)}Z`;
    drawn.push(shape("path", { class: "under-line", d: line + base }), shape("path", { class: "line", d: line }));
  }
  for (const [name, level] of Object.entries(thresholds)) drawn.push(...threshold(name, level, y));
  svg.replaceChildren(...drawn);
  const words = describe(points, start);
  svg.setAttribute("aria-label", `Brightness of the last hour. ${words}`);
  byId("plot-text").textContent = words;
}

/** Returns the stretches in which the level was known, the last one held until now. */
function runs(points, start, now, online) {
  const all = [[]];
  for (const [time, level] of points) {
    const run = all.at(-1);
    if (level !== null) run.push([time, level]);
    else if (run.length) {
      run.push([time, run.at(-1)[1]]);
      all.push([]);
    }
  }
  const last = all.at(-1);
  if (last.length && online) last.push([now, last.at(-1)[1]]);
  return all.filter((run) => run.length && run.at(-1)[0] >= start);
}

function* axes(x, y, now) {
  for (const level of [0, 128, 255]) {
    yield shape("line", { class: "frame", x1: AREA.left, x2: AREA.right, y1: y(level), y2: y(level) });
    yield words(String(level), AREA.left - 5, y(level) + 3.5, "end");
  }
  for (const [minutes, anchor] of [[60, "start"], [30, "middle"], [0, "end"]]) {
    yield words(minutes ? `${minutes} min ago` : "now", x(now - minutes * 60), AREA.bottom + 16, anchor);
  }
}

function* threshold(name, level, y) {
  yield shape("line", { class: "threshold", x1: AREA.left, x2: AREA.right, y1: y(level), y2: y(level) });
  yield words(name, AREA.left + 4, y(level) + (level > 200 ? 11 : -3), "start");
}

function describe(points, start) {
  const known = points.filter(([time, level]) => level !== null && time >= start);
  if (!known.length) return "No reading yet.";
  const levels = known.map(([, level]) => level);
  const [low, high] = [Math.min(...levels), Math.max(...levels)];
  if (low.toFixed(0) === high.toFixed(0)) return `Steady at ${low.toFixed(0)}.`;
  return `From ${low.toFixed(0)} to ${high.toFixed(0)}; last change at ${clockTime(known.at(-1)[0] * 1000)}.`;
}

function words(text, x, y, anchor) {
  const made = shape("text", { x, y, "text-anchor": anchor });
  made.textContent = text;
  return made;
}

function shape(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
