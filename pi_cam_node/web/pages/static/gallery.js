// The list of saved pictures and films by day.

import { clock, element, openHere, thumbnail } from "./dom.js";
import { PagedList } from "./paged_list.js";
import { _ } from "./translate.js";
import { MEDIA_KINDS, isFilm, sizeOf, spanOf } from "./words.js";

/** Returns a picture or film as the player shows it. */
export function entryOfMedia(row, source) {
  const shown = { id: row.id, url: source.address(row, row.id) };
  return {
    row,
    film: isFilm(row.kind) ? shown : null,
    picture: isFilm(row.kind) ? null : shown,
    title: [MEDIA_KINDS[row.kind] ?? row.kind, row.camera_name].filter(Boolean).join(", "),
    at: row.at,
    length: "",
    facts: [[row.seconds && spanOf(row.seconds), sizeOf(row.bytes)].filter(Boolean).join(" · ")].filter(Boolean),
    poster: row.thumbnail_url ? source.own(row.thumbnail_url) : "",
    why: "",
  };
}

/** Shows rows {id, kind, at, url, thumbnail_url, seconds, kept} in `place`; `open(list, row)` shows one of them. */
export function gallery(place, source, { filters, open, nothing, heading }) {
  const list = new PagedList(place, source, { item: (row) => itemOf(row, source, (one) => open(list, one)), filters, nothing, heading, list: "thumbs" });
  return list;
}

function itemOf(row, source, open) {
  const kind = MEDIA_KINDS[row.kind] ?? row.kind;
  const when = clock(row.at);
  // A clip or a timelapse has no event's picture to show.
  const image = thumbnail(source.own(row.thumbnail_url), isFilm(row.kind) ? _("Press to play") : _("It cannot be shown."));
  const length = row.seconds ? [element("span", { className: "length" }, spanOf(row.seconds))] : [];
  const about = [row.camera_name, when, row.kept && _("kept")].filter(Boolean).join(" · ");
  const link = element("a", { href: source.address(row, row.id) }, element("span", { className: "shot" }, image, ...length), element("strong", {}, kind), about);
  link.dataset.id = row.id;
  openHere(link, () => open(row));
  return element("li", { className: isFilm(row.kind) ? "film" : "" }, link);
}
