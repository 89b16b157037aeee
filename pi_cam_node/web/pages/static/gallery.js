// A list of pictures and films by day, with older ones on demand; it does not know which program serves them.

import { byDay, clock, element } from "./dom.js";

const KINDS = { single: "Picture", stack: "Night stack", ring: "From the past", auto: "Automatic", event: "Event", recording: "Film", clip: "Clip", timelapse: "Time lapse" };
const SURE_MS = 4000;

/** Shows rows {id, kind, at, url, thumbnail_url, seconds, kept} in `place`.
 *
 * `source`: load(before) returns {rows, more}, newest first; remove(row) returns a sentence where it was refused;
 * own(url) returns the address for this page. Without `remove` nothing can be deleted.
 */
export class Gallery {
  constructor(place, source) {
    this.place = place;
    this.source = source;
    this.rows = [];
    this.older = element("button", { type: "button", className: "plain", textContent: "Show older ones" });
    this.older.addEventListener("click", () => this.more());
    this.said = element("p", { className: "said", role: "status" });
  }

  get isEmpty() {
    return this.rows.length === 0;
  }

  /** Loads the newest again, and keeps older ones that were shown. */
  async refresh() {
    const { rows, more } = await this.source.load(null);
    const last = rows.at(-1);
    const kept = more && last ? this.rows.slice(this.rows.findIndex((row) => row.id === last.id) + 1 || this.rows.length) : [];
    this.show([...rows, ...kept], kept.length ? this.hasMore : more);
  }

  async more() {
    this.older.disabled = true;
    try {
      const { rows, more } = await this.source.load(this.rows.at(-1)?.id ?? null);
      this.show([...this.rows, ...rows], more);
    } finally {
      this.older.disabled = false;
    }
  }

  clear() {
    this.show([], false);
  }

  show(rows, more) {
    this.rows = rows;
    this.hasMore = more;
    const days = byDay(rows, (row) => row.at).map(([day, ones]) =>
      element("section", { className: "day" }, element("h3", {}, `${day} `, element("span", {}, String(ones.length))), element("ul", { className: "thumbs" }, ...ones.map((row) => this.item(row)))));
    this.older.hidden = !more;
    this.place.replaceChildren(...days, this.said, this.older);
  }

  item(row) {
    const kind = KINDS[row.kind] ?? row.kind;
    const when = clock(row.at);
    const address = this.source.own(row.url);
    const image = element("img", { alt: `${kind} of ${when}`, loading: "lazy", width: 320, height: 240, src: this.source.own(row.thumbnail_url) });
    const link = element("a", { href: address, target: "_blank", rel: "noopener" }, image, element("strong", {}, kind), `${when}${row.seconds ? ` · ${Math.round(row.seconds)} s` : ""}`);
    link.dataset.id = row.id;
    const tools = element("div", { className: "tools" }, element("a", { href: address, download: "", className: "tool" }, "Download"));
    if (this.source.remove) tools.append(row.kept ? element("span", { className: "tool soft" }, "Kept") : this.remover(row, when));
    return element("li", {}, link, tools);
  }

  /** Returns the button that deletes at the second press. */
  remover(row, when) {
    const button = element("button", { type: "button", className: "tool" }, "Delete");
    button.setAttribute("aria-label", `Delete the one of ${when}`);
    let sure = 0;
    button.addEventListener("click", async () => {
      if (!sure) {
        button.textContent = "Really?";
        button.classList.add("danger");
        sure = setTimeout(() => {
          sure = 0;
          button.textContent = "Delete";
          button.classList.remove("danger");
        }, SURE_MS);
        return;
      }
      clearTimeout(sure);
      button.disabled = true;
      const refused = await this.source.remove(row);
      if (refused) {
        this.said.className = "said refused";
        this.said.textContent = refused;
        return;
      }
      this.show(this.rows.filter((one) => one.id !== row.id), this.hasMore);
    });
    return button;
  }
}
