// Shows one event, picture or film: the film with the browser's own controls, which seek by asking for parts of it; what
// it is and why it is there; and what can be done with it.

import { button, clockTime, element, say } from "./dom.js";
import { dayOf, nameOf } from "./days.js";
import { _ } from "./translate.js";

const SURE_MS = 4000;

export class Player {
  /** `source`: about(row, id) returns the facts of a picture or film, or null; keep(row, id, kept) and remove(row, id)
   * return a sentence where they were refused. Without `keep` these cannot be done. `removed(row)` follows. A page that has
   * the title in its own heading says so.
   */
  constructor(source, removed = () => {}, isTitled = true) {
    this.source = source;
    this.removed = removed;
    this.hasLink = isTitled;
    this.stage = element("div", { className: "stage" });
    this.title = element("h2", { hidden: !isTitled });
    this.when = element("p", {});
    this.facts = element("ul", { className: "reasons" });
    this.tools = element("div", { className: "buttons" });
    this.said = element("p", { className: "said", role: "status" });
    this.element = element("div", { className: "player" }, this.stage, element("div", { className: "told" }, this.title, this.when, this.facts, this.tools, this.said));
  }

  /** Shows an entry {row, title, at, length, facts, film, picture, poster, why}. */
  show(entry) {
    this.stop();
    this.entry = entry;
    this.title.textContent = entry.title;
    const day = nameOf(dayOf(entry.at));
    this.when.textContent = `${day}, ${clockTime(entry.at)}${entry.length && ` · ${entry.length}`}`;
    this.facts.replaceChildren(...entry.facts.map((words) => element("li", {}, words)));
    say(this.said, "");
    this.stageOf(entry.film ? "film" : "picture");
  }

  /** Whether there is neither film nor picture of what is shown. */
  get isEmpty() {
    return !this.entry.film && !this.entry.picture;
  }

  /** Lets go of the film: a browser would go on loading it. */
  stop() {
    const video = this.stage.querySelector("video");
    video?.pause();
    video?.removeAttribute("src");
    video?.load();
  }

  /** Puts the film or the picture on the stage. */
  stageOf(which) {
    const { film, picture, poster, title, why } = this.entry;
    this.stop();
    this.shown = which;
    if (which === "film" && film) {
      const video = element("video", { controls: true, playsInline: true, preload: "metadata", ariaLabel: title, src: film.url });
      if (poster) video.poster = poster;
      video.addEventListener("error", () => video.hasAttribute("src") && this.noFilm());
      this.stage.replaceChildren(video);
    } else if (picture) {
      const image = element("img", { alt: title, src: picture.url });
      image.addEventListener("error", () => this.explain(_("The picture is gone, or cannot be reached.")));
      this.stage.replaceChildren(image);
    } else this.explain(why);
    this.offer();
  }

  /** Shows the picture of an event whose film is not there, or not yet. */
  noFilm() {
    const words = _("The film is still being written, or is gone.");
    if (!this.entry.picture) return this.explain(words);
    this.stageOf("picture");
    say(this.said, words, "waiting");
  }

  explain(words) {
    this.stage.replaceChildren(element("p", { className: "no-picture" }, words));
  }

  /** Shows what can be done; what is kept is known only after asking. */
  async offer() {
    const { row, film, picture } = this.entry;
    const entry = this.entry;
    const medium = this.shown === "film" && film ? film : picture;
    this.tools.replaceChildren();
    if (film && picture) this.tools.append(button(this.shown === "film" ? _("Picture") : _("Film"), () => this.stageOf(this.shown === "film" ? "picture" : "film")));
    if (!medium) return;
    this.tools.append(element("a", { className: "button plain", href: medium.url, download: "" }, _("Download")));
    if (row.page && this.hasLink) this.tools.append(element("a", { className: "button plain", href: row.page }, _("More about it")));
    if (!this.source.keep) return;
    const about = await this.source.about(row, medium.id).catch(() => null);
    if (!about || this.entry !== entry || this.tools.querySelector(".keep")) return;
    this.tools.append(this.keeper(row, medium, about.kept), ...(about.kept ? [] : [this.remover(row, medium)]));
  }

  keeper(row, medium, kept) {
    return button(kept ? _("Keep no longer") : _("Keep"), async () => {
      const refused = await this.source.keep(row, medium.id, !kept);
      if (refused) return say(this.said, refused, "refused");
      say(this.said, kept ? _("It may be deleted again to make room.") : _("Kept: it is not deleted to make room."));
      await this.offer();
      this.tools.querySelector(".keep")?.focus();
    }, { className: "plain keep" });
  }

  /** Returns the button that deletes at the second press; a double click is one. */
  remover(row, medium) {
    let sure = 0;
    const words = medium === this.entry.film ? _("Delete film") : _("Delete picture");
    const calm = () => {
      sure = 0;
      made.textContent = words;
      made.classList.remove("danger");
    };
    const made = button(words, async (pressed) => {
      if (!sure) {
        made.textContent = _("Really delete?");
        made.classList.add("danger");
        sure = setTimeout(calm, SURE_MS);
        return;
      }
      if (pressed.detail > 1) return;
      clearTimeout(sure);
      calm();
      this.stop();
      const refused = await this.source.remove(row, medium.id);
      if (refused) return say(this.said, refused, "refused");
      this.removed(row);
    }, { className: "plain delete" });
    return made;
  }
}
