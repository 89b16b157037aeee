// The player in a window above the page, with the one before and the one after of the list that it came from.

import { button, element } from "./dom.js";
import { keyOf } from "./paged_list.js";
import { Player } from "./player.js";
import { _ } from "./translate.js";

export class Viewer {
  /** `entryOf(row)` returns a row as the player shows it. */
  constructor(source, entryOf) {
    this.entryOf = entryOf;
    this.player = new Player(source, (row) => this.removed(row));
    this.newer = button("‹", () => this.step(-1), { ariaLabel: _("The newer one") });
    this.older = button("›", () => this.step(1), { ariaLabel: _("The older one") });
    this.close = button("×", () => this.dialog.close(), { ariaLabel: _("Close") });
    this.bar = element("div", { className: "viewer-bar" }, this.newer, this.older, this.close);
    this.dialog = element("dialog", { className: "viewer", ariaLabel: _("Player") }, this.bar, this.player.element);
    this.dialog.addEventListener("close", () => this.closed());
    this.dialog.addEventListener("click", ({ target }) => target === this.dialog && this.dialog.close());
    this.dialog.addEventListener("keydown", (event) => this.key(event));
    document.body.append(this.dialog);
  }

  /** Shows a row of a list. */
  open(list, row) {
    this.list = list;
    this.row = row;
    const rows = list.rows;
    const at = rows.findIndex((one) => keyOf(one) === keyOf(row));
    this.newer.ariaDisabled = String(at <= 0);
    this.older.ariaDisabled = String(at < 0 || (at === rows.length - 1 && !list.more));
    this.player.show(this.entryOf(rows[at] ?? row));
    if (this.dialog.open) return;
    this.dialog.showModal();
    this.close.focus();
  }

  /** Shows what has come meanwhile of an event that had no picture yet. */
  renew() {
    if (!this.dialog.open || !this.player.isEmpty) return;
    const row = this.list.rows.find((one) => keyOf(one) === keyOf(this.row));
    if (row) this.player.show(this.entryOf(row));
  }

  /** Leaves the focus at the one that was shown: the list may have been drawn anew meanwhile. */
  closed() {
    this.player.stop();
    this.list.focus(this.row);
  }

  async step(count) {
    const at = this.list.rows.findIndex((one) => keyOf(one) === keyOf(this.row)) + count;
    if (at === this.list.rows.length && this.list.more) await this.list.loadOlder();
    const row = this.list.rows[at];
    if (row) this.open(this.list, row);
  }

  /** The film has the arrow keys while it has the focus: they seek in it. */
  key(event) {
    const count = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!count || event.altKey || event.ctrlKey || event.metaKey || event.target.localName === "video") return;
    event.preventDefault();
    this.step(count);
  }

  /** Goes on with the next one after a deletion, and loads the list anew. */
  async removed(row) {
    const at = this.list.rows.findIndex((one) => keyOf(one) === keyOf(row));
    const next = this.list.rows[at + 1] ?? this.list.rows[at - 1];
    await this.list.refresh().catch(() => {});
    if (next) this.open(this.list, next);
    else this.dialog.close();
  }
}
