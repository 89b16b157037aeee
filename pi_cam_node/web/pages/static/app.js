// Asks the node how it is every two seconds while somebody looks, and hands the answer to the parts of the page.

import { command, logOut, read } from "./api.js";
import { byId } from "./dom.js";
import { showHistory } from "./history.js";
import { live, pause, tell } from "./live.js";
import { motionCard } from "./motion_card.js";
import { plot } from "./plot.js";
import { showPrivacy, wirePrivacy } from "./privacy.js";
import { showSettings, wireKeep } from "./settings.js";
import { hold, reach, wireShoot } from "./shoot.js";
import { showOffline, showState } from "./state.js";
import { watch } from "./watch.js";

const POLL_MS = 2000;

let settings = null; // by key, as last told
let settingsOf = ""; // the start of the node and the count of changes that they belong to
let heard = null;
let figures = null; // asked for once: telemetry comes each minute only
let timer = 0;
let asking = null;

async function poll() {
  clearTimeout(timer);
  try {
    const state = await read("api/state");
    const now = `${state.node.boot} ${state.settings_changed}`;
    if (settings === null || now !== settingsOf) await configure(); // changed on another device, or over MQTT
    settingsOf = now;
    if (Object.keys(state.telemetry).length === 0) figures ??= (await command("health")).data;
    heard = Date.now();
    show({ ...state, telemetry: { ...figures, ...state.telemetry } });
  } catch {
    settings = null; // it may come back with others
    showOffline(heard);
    tell(false);
    showPrivacy(null);
    hold();
  }
  if (!document.hidden) timer = setTimeout(refresh, POLL_MS);
}

/** Asks now; whoever calls while a question is out shares its answer. */
function refresh() {
  asking ??= poll().finally(() => (asking = null));
  return asking;
}

function show(state) {
  const online = state.states.camera === "online";
  const hidden = state.states.privacy === "ON";
  showState(state);
  showPrivacy(hidden);
  tell(true, hidden);
  hideVideo(hidden);
  plot(state.brightness, thresholds(), online, (Date.parse(state.at) || Date.now()) / 1000);
  showHistory(state, hidden);
  showMotion(settings, state.states);
  reach(state.states.ring_seconds, settings.get("export.save_before_s")?.value, online);
}

function thresholds() {
  const [night, day] = ["night.dark_threshold", "night.bright_threshold"].map((key) => settings.get(key)?.value);
  return { ...(typeof night === "number" && { "night below": night }), ...(typeof day === "number" && { "day above": day }) };
}

async function configure() {
  const told = (await read("api/config")).settings;
  settings = new Map(told.map((setting) => [setting.key, setting]));
  showSettings(told, () => configure().then(refresh).catch(() => showOffline(heard)));
}

document.addEventListener("visibilitychange", () => document.hidden || refresh());
byId("leave").addEventListener("click", logOut);
const showMotion = motionCard({
  place: byId("motion"),
  panel: byId("zones"),
  figure: byId("screen"),
  picture: () => byId("picture"),
  set: (key, value) => command("set", { key, value }),
  explain: () => command("explain", { what: "motion" }),
  changed: () => configure().then(refresh),
});
const hideVideo = watch({
  figure: byId("screen"),
  place: byId("views"),
  moment: byId("moment"),
  url: "hls/master.m3u8",
  name: "the camera",
});
byId("screen").addEventListener("showing", ({ target }) => pause(target.dataset.showing === "video"));
wireShoot(refresh);
wirePrivacy(refresh);
wireKeep();
refresh();
live();
