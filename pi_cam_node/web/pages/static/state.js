// Shows what is: mode, light, memory, health, and what is connected.

import { byId, clockTime, element } from "./dom.js";

const NOTHING = "–";
const NO_FAULT = "ok";

const FIGURES = [
  ["Memory", "rss_mib", (v) => `${v.toFixed(0)} MiB`],
  ["Processor", "cpu_pct", (v) => `${v.toFixed(0)} % of a core`],
  ["Temperature", "temperature_c", (v) => `${v.toFixed(1)} °C`],
  ["Throttling", "throttled", (v) => String(v)],
  ["Disk free", "disk_free_mib", (v) => (v >= 1024 ? `${(v / 1024).toFixed(1)} GiB` : `${v} MiB`)],
  ["Frames a second", "fps", (v) => v.toFixed(1)],
  ["Frames dropped", "frames_dropped", (v) => String(v)],
  ["Latency", "latency_ms", (v) => `${Number(v).toFixed(0)} ms`],
  ["Camera restarts", "camera_restarts", (v) => String(v)],
  ["Broker sessions", "broker_sessions", (v) => String(v)],
  ["Up for", "uptime_s", span],
];

/** Shows the answer of /api/state. */
export function showState({ node, states, telemetry, broker, broker_away_because: why }) {
  const camera = states.camera === "online";
  document.title = node.name || node.id;
  byId("name").textContent = node.name || node.id;
  byId("about").textContent = `${node.id} · ${node.version}`;
  byId("picture").alt = `Live picture of ${node.name || node.id}`;
  // What was seen last is not what is, once the camera has gone.
  const seen = camera ? states : {};
  byId("mode").textContent = { day: "Day", night: "Night" }[seen.mode] ?? NOTHING;
  put("brightness", seen.brightness, (v) => v.toFixed(1), "of 255");
  put("lux", seen.lux, (v) => v.toPrecision(v < 1000 ? 3 : 4).replace(/\.0+$/, ""), "lx");
  put("ring", states.ring_seconds, (v) => v.toFixed(0), "s");
  link("node", true, "Node online", "");
  link("camera", camera, "Camera online", states.privacy === "ON" ? "Privacy is on" : "Camera offline");
  link("broker", broker, "Broker connected", "Broker unreachable");
  showFigures(telemetry);
  const notices = [];
  const fault = states.last_error === NO_FAULT ? "" : states.last_error;
  const [, reason] = /^camera_down: (.*)$/s.exec(fault) ?? [];
  const hidden = states.privacy === "ON";
  if (hidden) notices.push(["Privacy is on: the camera is stopped, and no picture is made, kept or shown.", false]);
  else if (!camera) notices.push([cameraOffline(reason, states.ring_seconds > 0), true]);
  if (!broker) notices.push([`The MQTT broker is unreachable${why ? `: ${why}` : ""}. This page works without it.`, false]);
  byId("fault").textContent = fault ? `Last fault: ${fault}` : "";
  showNotices(notices);
  document.body.dataset.node = "online";
}

/** Shows that the node has not answered since a time, or ever. */
export function showOffline(since) {
  document.body.dataset.node = "offline";
  link("node", false, "", "Node offline");
  for (const other of ["camera", "broker"]) link(other, null, "", "");
  const known = since ? ` What stands below is as it was at ${clockTime(since)}.` : "";
  showNotices([[`The node does not answer.${known}`, true]]);
}

/** Returns what a person should know, and can do, while the camera is offline. */
function cameraOffline(reason, held) {
  const [, safe] = /^safe mode: (.*)$/s.exec(reason ?? "") ?? [];
  if (safe) return `Safe mode: ${safe}. Change the settings below, or wait: it is tried again by itself.`;
  return `The camera is offline${reason ? `: ${reason}` : ""}.${held ? " The last seconds before can still be saved." : ""}`;
}

function put(id, value, text, unit) {
  const known = value !== null && value !== undefined && value !== "" && Number.isFinite(Number(value));
  byId(id).replaceChildren(known ? text(Number(value)) : NOTHING, ...(known ? [" ", element("small", {}, unit)] : []));
}

function link(name, is, online, offline) {
  const item = byId(`link-${name}`);
  item.dataset.is = is === null ? "unknown" : is ? "online" : "offline";
  item.textContent = (is ? online : offline) || `${name[0].toUpperCase()}${name.slice(1)} unknown`;
}

function showFigures(telemetry) {
  const known = FIGURES.filter(([, key]) => telemetry[key] !== null && telemetry[key] !== undefined);
  byId("figures").replaceChildren(
    ...known.map(([name, key, text]) => element("div", {}, element("dt", {}, name), element("dd", { id: `figure-${key}` }, text(telemetry[key])))),
  );
  if (!known.length) byId("figures").append(element("div", { className: "soft" }, "No figures have come yet."));
}

/** Changes only what is different, so that a screen reader does not read the same again. */
function showNotices(notices) {
  const place = byId("notices");
  const text = notices.map(([words]) => words).join("\n");
  if (place.dataset.text === text) return;
  place.dataset.text = text;
  place.replaceChildren(...notices.map(([words, grave]) => element("p", { className: grave ? "notice grave" : "notice" }, words)));
}

function span(seconds) {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  return hours ? `${hours} h ${minutes} min` : `${minutes} min`;
}
