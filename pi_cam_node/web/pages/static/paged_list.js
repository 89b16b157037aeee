// A list by day, newest first, with older rows on demand; events and pictures are lists of this kind. It is fed by a
// source and does not know which program serves it.

import { DayPicker } from "./day_picker.js";
import { boundsOf, byDay, dayOf, nameOf } from "./days.js";
import { element } from "./dom.js";
import { _ } from "./translate.js";

const DAY_CHECK_MS = 5_000;

/** Names a row among those of all nodes. */
export const keyOf = (row) => `${row.node}/${row.id}`;

/** Returns a filter of the values [[value, words], …]. */
export function filter(name, words, choices) {
  const field = element("select", { name }, ...choices.map(([value, text]) => element("option", { value }, text)));
  return element("label", { className: "filter" }, `${words} `, field);
}

export class PagedList {
  /** Shows rows {node, id, at, …} in `place`.
   *
   * `source.load(query)` returns {rows, more, notices}, newest first; `query` has a value for each filter, and `before`: a time,
   * null, or of the last row its `cursor`, else its id. `item(row)` returns the <li> of a row; `filters` are labels that hold a <select> each, made by `filter`; `nothing` is said of an empty one; `heading` is that of a day.
   */
  constructor(place, source, { item, filters = [], nothing, list = "", heading = "h3" }) {
    Object.assign(this, { place, source, item, nothing, list, heading });
    this.rows = [];
    this.more = false;
    this.day = null;
    this.items = new Map(); // by key: [what the item was made of, the item]
    this.turn = 0;
    this.picker = new DayPicker((day) => this.choose(day));
    this.fields = filters.map((label) => label.querySelector("select"));
    for (const field of this.fields) field.addEventListener("change", () => this.reload());
    this.bar = element("div", { className: "filters" }, this.picker.element, ...filters);
    this.days = element("div", { className: "days" });
    this.empty = element("p", { className: "soft" });
    this.said = element("p", { className: "said", role: "status" });
    this.older = element("button", { type: "button", className: "plain", textContent: _("Show older ones") });
    this.older.addEventListener("click", () => this.loadOlder());
    this.notices = element("div", { className: "notices" });
    place.replaceChildren(this.bar, this.said, this.notices, this.days, this.empty, this.older);
    this.older.hidden = true;
    this.today = dayOf(Date.now());
    setInterval(() => this.followMidnight(), DAY_CHECK_MS);
  }

  /** Calls yesterday "Yesterday" on a page that stays open over midnight. */
  followMidnight() {
    const today = dayOf(Date.now());
    if (today === this.today) return;
    this.today = today;
    this.picker.draw();
    this.show(this.rows, this.more);
  }

  get isEmpty() {
    return this.rows.length === 0;
  }

  get query() {
    return Object.fromEntries(this.fields.map(({ name, value }) => [name, value]));
  }

  choose(day) {
    this.day = day;
    return this.reload();
  }

  /** Loads anew and says where it went wrong. */
  async reload() {
    this.rows = [];
    this.days.ariaBusy = "true";
    if (!this.days.childElementCount) this.empty.replaceChildren(_("Loading …"));
    this.empty.hidden = this.days.childElementCount > 0;
    try {
      await this.refresh();
      this.say("");
    } catch (error) {
      this.days.ariaBusy = "false";
      this.empty.hidden = true;
      this.say(error.message);
    }
  }

  /** Loads the newest again, and keeps older ones that were shown. */
  async refresh() {
    const turn = ++this.turn;
    const { rows, more } = await this.load(this.day === null ? null : boundsOf(this.day).to);
    if (turn !== this.turn) return; // asked again meanwhile
    const last = rows.at(-1);
    const kept = more && last ? this.rows.slice(this.rows.findIndex((row) => keyOf(row) === keyOf(last)) + 1 || this.rows.length) : [];
    this.show([...rows, ...kept], kept.length ? this.more : more);
  }

  /** Refreshes as something new came: one request at a time, since over a slow connection news come faster than answers. */
  async follow() {
    this.isBehind = true;
    if (this.isFollowing) return;
    this.isFollowing = true;
    try {
      while (this.isBehind) {
        this.isBehind = false;
        await this.refresh();
      }
    } catch {
      // The next news try again.
    } finally {
      this.isFollowing = false;
    }
  }

  async loadOlder() {
    this.older.disabled = true;
    const turn = ++this.turn;
    const last = this.rows.at(-1);
    try {
      const { rows, more } = await this.load(last?.cursor ?? last?.id ?? null);
      if (turn === this.turn) this.show([...this.rows, ...rows], more);
      this.say("");
    } catch (error) {
      this.say(error.message);
    } finally {
      this.older.disabled = false;
    }
  }

  /** Returns {rows, more} of the chosen day; the newest row of an earlier day is remembered. */
  async load(before) {
    const { rows, more, notices = [] } = await this.source.load({ ...this.query, before });
    this.notices.replaceChildren(...notices.map((words) => element("p", { className: "notice" }, words)));
    if (this.day === null) return { rows, more };
    const from = Date.parse(boundsOf(this.day).from);
    const own = rows.filter((row) => Date.parse(row.at) >= from);
    this.earlier = rows[own.length]?.at;
    return { rows: own, more: more && own.length === rows.length };
  }

  clear() {
    this.turn += 1;
    this.show([], false);
  }

  show(rows, more) {
    const focused = document.activeElement?.closest?.("[data-row]")?.dataset.row;
    this.rows = rows;
    this.more = more;
    this.days.ariaBusy = "false";
    this.older.hidden = !more;
    const items = new Map(rows.map((row) => [keyOf(row), this.itemOf(row)]));
    this.items = items;
    const days = byDay(rows, (row) => row.at).map(([day, ones]) =>
      element("section", { className: "day" },
        element(this.heading, { className: "day-name" }, `${nameOf(day)} `, element("span", {}, String(ones.length) + (more && day === dayOf(rows.at(-1).at) ? "+" : ""))),
        element("ul", { className: this.list }, ...ones.map((row) => items.get(keyOf(row))[1]))));
    this.days.replaceChildren(...days);
    this.explain();
    if (focused && !document.activeElement?.closest("[data-row]")) this.focusKey(focused);
  }

  /** Focuses the link of a row, where it is listed. */
  focus(row) {
    this.focusKey(keyOf(row));
  }

  focusKey(key) {
    this.days.querySelector(`[data-row="${CSS.escape(key)}"] a`)?.focus();
  }

  /** Returns [what it was made of, the item]; an item stays as long as its row says the same, links aside. */
  itemOf(row) {
    const { url, thumbnail_url, ...facts } = row; // links are signed anew each time
    const made = JSON.stringify([facts, Boolean(url), Boolean(thumbnail_url)]);
    const old = this.items.get(keyOf(row));
    if (old?.[0] === made) return old;
    const item = this.item(row);
    item.dataset.row = keyOf(row);
    return [made, item];
  }

  explain() {
    this.empty.hidden = !this.isEmpty;
    if (!this.isEmpty) return;
    const isFiltered = this.day !== null || Object.values(this.query).some(Boolean);
    this.empty.replaceChildren(isFiltered ? `${_("There is nothing of this choice.")} ` : this.nothing);
    if (this.day === null || !this.earlier) return;
    const day = dayOf(this.earlier);
    const there = element("button", { type: "button", className: "plain" }, _("Show {day}", { day: nameOf(day) }));
    there.addEventListener("click", () => this.picker.pick(day));
    this.empty.append(there);
  }

  say(refusal) {
    this.said.className = "said refused";
    this.said.textContent = refusal;
  }
}
