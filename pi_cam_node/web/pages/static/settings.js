// Live settings, grouped by section. The node decides what is allowed; its refusal stands beside the control.

import { command } from "./api.js";
import { controlOf } from "./controls.js";
import { byId, element, say } from "./dom.js";
import { rangeOf, scaleOf } from "./units.js";

const SECTIONS = {
  camera: "Camera",
  night: "Day and night",
  privacy: "Privacy",
  overlay: "Text in the picture",
  motion: "Motion",
  recording: "Films",
  timelapse: "Timelapse",
  ring: "Memory of the last seconds",
  export: "Pictures",
  storage: "Disk",
  mjpeg_server: "Live view",
  http: "Viewers",
  mqtt: "MQTT",
  homeassistant: "Home Assistant",
  telemetry: "Reports",
  logging: "Log",
};

const rows = new Map();

/** Wires the button that writes the configuration file. */
export function wireKeep() {
  byId("keep").addEventListener("click", async () => {
    say(byId("kept"), "Working …", "waiting");
    const reply = await command("overwrite_config");
    say(byId("kept"), plain(reply.message), reply.ok ? "ok" : "refused");
  });
}

/** Shows settings; those already there take their true value, unless somebody is writing in them. */
export function showSettings(settings, changed) {
  const live = settings.filter((setting) => setting.live);
  if (live.some((setting) => !rows.has(setting.key))) build(live, changed);
  for (const setting of live) {
    const row = rows.get(setting.key);
    row.setting = setting;
    if (!row.control.element.contains(document.activeElement) || !row.touched) row.control.put(setting.value);
  }
}

function build(live, changed) {
  rows.clear();
  // The sections that people look for first come first; those unknown here come last.
  const sections = new Map(Object.keys(SECTIONS).map((section) => [section, []]));
  for (const setting of live) sections.set(setting.section, [...(sections.get(setting.section) ?? []), setting]);
  byId("settings").replaceChildren(...[...sections].filter(([, members]) => members.length).map(([section, members]) => group(section, members, changed)));
}

function group(section, members, changed) {
  const title = SECTIONS[section] ?? section.replace(/^./, (first) => first.toUpperCase()).replaceAll("_", " ");
  const count = element("span", { className: "soft" }, String(members.length));
  const body = element("div", { className: "members" }, ...members.map((setting) => rowOf(setting, changed)));
  const made = element("details", { className: "card" }, element("summary", {}, title, count), body);
  made.dataset.section = section;
  return made;
}

function rowOf(setting, changed) {
  const id = `set-${setting.key.replaceAll(".", "-")}`;
  const control = controlOf(setting, id);
  const row = { setting, control, touched: false, busy: false, said: element("p", { className: "said", id: `${id}-said` }) };
  rows.set(setting.key, row);
  const isGroup = control.element.localName === "fieldset";
  const name = element(isGroup ? "span" : "label", { className: "name", id: `${id}-name` }, setting.title);
  if (isGroup) control.element.setAttribute("aria-labelledby", name.id);
  else name.htmlFor = id;
  control.element.setAttribute("aria-describedby", `${id}-doc ${id}-said`);
  control.element.addEventListener("input", () => (row.touched = true));
  control.element.addEventListener("change", () => send(row, changed));
  const { unit } = scaleOf(setting);
  const made = element("div", { className: "setting" }, name,
    element("div", { className: "control" }, control.element, ...(unit ? [element("span", { className: "unit" }, unit)] : [])),
    element("p", { className: "doc soft", id: `${id}-doc` }, [setting.doc, rangeOf(setting)].filter(Boolean).join(" ")), row.said);
  made.dataset.key = setting.key;
  return made;
}

/** Puts the newest value; what is changed meanwhile follows when the reply is there. */
async function send(row, changed) {
  if (row.busy) return;
  row.busy = true;
  let sent;
  try {
    do {
      sent = JSON.stringify(row.control.get());
      await set(row, JSON.parse(sent));
    } while (row.refused === false && JSON.stringify(row.control.get()) !== sent);
  } catch (error) {
    refuse(row, error.message);
  }
  row.busy = false;
  row.touched = false;
  await changed();
}

async function set(row, value) {
  say(row.said, "Working …", "waiting");
  const reply = await command("set", { key: row.setting.key, value });
  row.refused = !reply.ok;
  if (!reply.ok) return refuse(row, plain(reply.message, row.setting.key));
  row.setting = { ...row.setting, value: reply.data.new };
  announce(row, "Changed.");
  row.control.element.removeAttribute("aria-invalid");
}

function refuse(row, text) {
  row.control.put(row.setting.value);
  row.control.element.setAttribute("aria-invalid", "true");
  announce(row, text, "refused");
}

function announce(row, text, how = "ok") {
  say(row.said, text, how);
  byId("announcement").textContent = `${row.setting.title}: ${text}`;
}

/** Returns a reply without what stands there for programs. */
function plain(message, key = "") {
  const words = message.replace(/^(OK|ERROR): /, "");
  return key && words.startsWith(`${key}: `) ? words.slice(key.length + 2) : words;
}
