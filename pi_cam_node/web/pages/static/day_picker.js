// Chooses a day: the day before, a date, the day after, or the newest of all days.

import { dayAfter, dayOf } from "./days.js";
import { button, element } from "./dom.js";
import { _ } from "./translate.js";

export class DayPicker {
  /** `chosen(day)` is called with "2026-11-29", or `null` for the newest of all days. */
  constructor(chosen) {
    this.chosen = chosen;
    this.day = null;
    this.date = element("input", { type: "date", ariaLabel: _("Day") });
    this.date.addEventListener("change", () => this.pick(this.date.value || null));
    this.before = button("‹", () => this.pick(dayAfter(this.day ?? dayOf(Date.now()), -1)), { ariaLabel: _("The day before") });
    this.after = button("›", () => this.pick(dayAfter(this.day)), { ariaLabel: _("The day after") });
    this.newest = button(_("All days"), () => this.pick(null));
    this.element = element("div", { className: "day-picker", role: "group", ariaLabel: _("Day") }, this.before, this.date, this.after, this.newest);
    this.draw();
  }

  /** Shows a day, and tells of it. */
  pick(day) {
    const today = dayOf(Date.now());
    this.day = day !== null && day > today ? today : day;
    this.draw();
    this.chosen(this.day);
  }

  draw() {
    const today = dayOf(Date.now());
    this.date.max = today;
    this.date.value = this.day ?? "";
    // Not `disabled`: that would take the focus away from who pages by the keyboard.
    this.after.ariaDisabled = String(this.day === null || this.day >= today);
    this.newest.ariaPressed = String(this.day === null);
  }
}
