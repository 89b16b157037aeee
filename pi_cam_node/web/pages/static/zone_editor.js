// The editor of zones and ignored areas: the areas over the live picture, and a list of them with names below it.

import { button, element, say } from "./dom.js";
import { _ } from "./translate.js";
import { ZoneLayer } from "./zone_layer.js";
import { areaOf, faultOf, freeName, nameFrom, newPoints, textOf } from "./zones.js";

const HINT = _("Drag a corner, or the whole area; drag a small point between two corners to make another. With the keyboard: Tab to a corner, arrow keys move it (further with Shift), Enter adds one after it, Delete removes it.");

export class ZoneEditor {
  /** `figure` and `picture()` as `ZoneLayer`; `panel` is filled while it is open. `save({zones, ignore})` returns a sentence
   * where the node refused; `closed()` is called at the end.
   */
  constructor(figure, picture, panel, { save, closed }) {
    Object.assign(this, { panel, save, closed });
    this.layer = new ZoneLayer(figure, picture, {
      hint: "zones-hint",
      change: (points) => {
        this.areas[this.chosen].points = points;
        this.layer.draw(this.areas, this.chosen);
      },
      choose: (number) => this.choose(number),
    });
    this.list = element("ul", { className: "areas" });
    this.said = element("p", { className: "said", role: "status" });
    const buttons = [
      button(_("Add a zone"), () => this.add(freeName(this.areas))),
      button(_("Add an ignored area"), () => this.add(null)),
      button(_("Save"), () => this.store(), { className: "save" }),
      button(_("Cancel"), () => this.close()),
    ];
    panel.replaceChildren(element("h2", {}, _("Zones")),
      element("p", { className: "soft" }, _("With zones, only what stands in one of them counts as motion. In an ignored area nothing counts.")),
      this.list, element("div", { className: "buttons" }, ...buttons), this.said,
      element("p", { className: "soft", id: "zones-hint" }, HINT));
  }

  get isOpen() {
    return !this.panel.hidden;
  }

  /** Begins with the texts of the settings. */
  open(zones, ignore) {
    this.areas = [...zones, ...ignore].map(areaOf);
    this.chosen = this.areas.length ? 0 : -1;
    this.panel.hidden = false;
    say(this.said, "");
    this.layer.open();
    this.draw();
    this.panel.querySelector("button").focus({ preventScroll: true });
    this.layer.figure.scrollIntoView({ block: "start" });
  }

  close() {
    this.layer.close();
    this.panel.hidden = true;
    this.closed();
  }

  add(name) {
    this.areas.push({ name, points: newPoints(this.areas.length) });
    this.choose(this.areas.length - 1);
    this.layer.focus(0);
  }

  choose(number) {
    this.chosen = number;
    this.draw();
  }

  draw() {
    this.layer.draw(this.areas, this.chosen);
    let ignored = 0;
    this.list.replaceChildren(...this.areas.map((area, number) => this.item(area, number, area.name === null ? ++ignored : 0)));
  }

  item(area, number, ignored) {
    const words = ignored ? _("Ignored area {number}", { number: ignored }) : _("Zone");
    const chip = button(words, () => this.choose(number), { className: ignored ? "plain chip ignored" : "plain chip zone" });
    chip.ariaPressed = String(number === this.chosen);
    const name = element("input", { type: "text", value: area.name ?? "", maxLength: 32, spellcheck: false, autocapitalize: "none", ariaLabel: _("Name of the zone") });
    name.addEventListener("focus", () => this.mark(number));
    name.addEventListener("input", () => {
      area.name = nameFrom(name.value);
      this.layer.draw(this.areas, this.chosen);
    });
    name.addEventListener("change", () => (name.value = area.name));
    const remove = button(_("Remove"), () => {
      this.areas.splice(number, 1);
      this.choose(Math.min(number, this.areas.length - 1));
      this.panel.querySelector(".areas li:last-child button, .buttons button").focus();
    }, { ariaLabel: _("Remove {name}", { name: ignored ? words : area.name }) });
    return element("li", {}, chip, ...(ignored ? [] : [name]), remove);
  }

  /** Chooses an area without drawing the list anew: the field that has the focus stays. */
  mark(number) {
    this.chosen = number;
    this.layer.draw(this.areas, number);
    this.list.querySelectorAll(".chip").forEach((chip, at) => (chip.ariaPressed = String(at === number)));
  }

  async store() {
    const fault = faultOf(this.areas);
    if (fault) return say(this.said, fault, "refused");
    say(this.said, _("Working …"), "waiting");
    const texts = (isZone) => this.areas.filter(({ name }) => (name !== null) === isZone).map(textOf);
    const refused = await this.save({ zones: texts(true), ignore: texts(false) });
    if (refused) return say(this.said, refused, "refused");
    this.close();
  }
}
