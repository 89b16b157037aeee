// Motion in everyday words: whether something moves, whether it is looked for, how small a thing may be, what is recorded.

import { button, element, say } from "./dom.js";
import { _, _n, listOf } from "./translate.js";
import { wordsOf } from "./words.js";

const SENSITIVITY = [[20, _("large things only")], [35, _("low")], [50, _("medium")], [70, _("high")], [90, _("very high")]];
const RECORDING = [["off", _("nothing by itself")], ["motion", _("on motion")], ["continuous", _("all the time")]];
const FAILED = { floor: _("too small"), track: _("did not move on steadily"), mask: _("in an ignored area"), zone: _("outside the zones") };
const ROWS = [
  ["motion.enable", _("Look for motion")],
  ["motion.sensitivity", _("Sensitivity by day"), SENSITIVITY],
  ["motion.night_sensitivity", _("Sensitivity by night"), SENSITIVITY],
  ["recording.mode", _("Record"), RECORDING],
];

export class MotionControls {
  /** `source`: set(key, value) returns the reply; explain() returns that of `explain motion`; changed() is called after
   * a change; draw() opens the editor of zones. Without `set` it only shows.
   */
  constructor(place, source) {
    this.source = source;
    this.now = element("p", { className: "now-moving" });
    this.said = element("p", { className: "said", role: "status" });
    this.rows = ROWS.map(([key, words, choices]) => this.row(key, words, choices));
    this.areas = element("span", { className: "soft" });
    this.draw = button(_("Draw zones"), () => source.draw(), { className: "plain draw" });
    this.why = button(_("Why?"), () => this.explain(), { ariaLabel: _("Why is there motion, or none?") });
    this.told = element("p", { className: "soft", role: "status" });
    place.replaceChildren(element("div", { className: "now-row" }, this.now, this.why), this.told,
      ...(source.set ? [...this.rows.map(({ row }) => row), element("div", { className: "choice-row" }, this.areas, this.draw), this.said] : []));
  }

  row(key, words, choices) {
    const id = `motion-${key.replace(".", "-")}`;
    const control = choices
      ? element("select", { id }, ...choices.map(([value, name]) => element("option", { value }, name)))
      : element("input", { id, type: "checkbox", className: "switch", role: "switch" });
    control.addEventListener("change", () => this.set(key, control, choices));
    return { key, choices, control, row: element("div", { className: "choice-row" }, element("label", { htmlFor: id }, words), control) };
  }

  /** Shows settings by key, and the states of the node. */
  show(settings, states) {
    this.known = settings;
    const isOn = settings.get("motion.enable")?.value;
    const zones = Object.keys(states).filter((key) => key.startsWith("motion/") && states[key] === "ON").map((key) => key.slice(7));
    const moves = zones.length ? _("Something moves in {zones}.", { zones: listOf(zones) }) : _("Something moves.");
    const moving = states.motion === "ON" ? moves : isOn ? _("Nothing moves.") : _("Motion is not looked for.");
    const text = states.recording === "ON" ? `${moving} ${_("A film is being recorded.")}` : moving;
    if (this.now.textContent !== text) this.now.textContent = text;
    this.now.classList.toggle("is-moving", states.motion === "ON");
    for (const { key, choices, control } of this.rows) {
      const value = settings.get(key)?.value;
      control.disabled = value === undefined;
      if (value === undefined || control === document.activeElement) continue;
      if (choices) put(control, value);
      else control.checked = value;
    }
    const [zoned, ignored] = ["motion.zones", "motion.ignore"].map((key) => settings.get(key)?.value.length ?? 0);
    const counts = [zoned ? _n(zoned, "{count} zone", "{count} zones") : _("no zones"), ignored ? _n(ignored, "{count} ignored area", "{count} ignored areas") : _("no ignored areas")];
    this.areas.textContent = counts.join(", ");
    this.why.hidden = !isOn;
  }

  async set(key, control, choices) {
    const value = !choices ? control.checked : choices === RECORDING ? control.value : Number(control.value);
    say(this.said, _("Working …"), "waiting");
    const reply = await this.source.set(key, value);
    say(this.said, reply.ok ? _("Changed.") : wordsOf("set", reply), reply.ok ? "ok" : "refused");
    const told = this.known.get(key);
    if (!reply.ok && choices) put(control, told.value);
    else if (!reply.ok) control.checked = told.value;
    await this.source.changed();
  }

  async explain() {
    say(this.told, _("Asking …"), "waiting");
    const { ok, message, data } = await this.source.explain();
    const failed = (data?.blobs ?? []).filter((blob) => blob.failed).map((blob) => FAILED[blob.failed] ?? blob.failed);
    const sentence = message.replace(/^MOTION=\w+: /, "").replace(/\bblobs?\b/g, _("things seen"));
    const missed = failed.length ? ` ${_("Seen but not counted: {why}.", { why: failed.join(", ") })}` : "";
    say(this.told, `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.${missed}`, ok ? "waiting" : "refused");
  }
}

/** Chooses a value; one that has no words of its own is shown as it is. */
function put(control, value) {
  if (![...control.options].some((option) => option.value === String(value))) control.append(element("option", { value }, String(value)));
  control.value = String(value);
}
