// The list of events by day: what moved, where, for how long, and whether there is a film of it.

import { clock, element, openHere, thumbnail } from "./dom.js";
import { PagedList } from "./paged_list.js";
import { _ } from "./translate.js";
import { lengthOf, reasonsOf, titleOf } from "./words.js";

/** Returns an event as the player shows it. `source.address(row, id)` is where a picture or film is. */
export function entryOfEvent(row, source) {
  const film = row.recording_id && row.url !== null ? { id: row.recording_id, url: source.address(row, row.recording_id) } : null;
  const picture = row.picture_id && row.url !== null ? { id: row.picture_id, url: source.address(row, row.picture_id) } : null;
  return {
    row, film, picture,
    title: [titleOf(row), row.camera_name].filter(Boolean).join(", "),
    at: row.at,
    length: lengthOf(row),
    facts: reasonsOf(row),
    poster: row.thumbnail_url ? source.own(row.thumbnail_url) : "",
    // Pictures and films, unlike events, are not shown with privacy on.
    why: row.why ?? (row.picture_id || row.recording_id ? _("Privacy is on: it is not shown.") : _("There is no picture of it.")),
  };
}

/** Shows events {id, at, kind, zones, …} in `place`; `open(list, row)` shows one of them. */
export function eventList(place, source, { filters, open, nothing, heading }) {
  const list = new PagedList(place, source, { item: (row) => itemOf(row, source, (one) => open(list, one)), filters, nothing, heading, list: "events" });
  return list;
}

/** Returns "Porch · 20:13 · 16 s", of which only the name may be broken into two lines. */
function whereAndWhen(row) {
  const parts = [row.camera_name, ...[clock(row.at), lengthOf(row)].filter(Boolean).map((text) => element("span", { className: "unbroken" }, text))];
  return parts.filter(Boolean).flatMap((part, at) => (at ? [" · ", part] : [part]));
}

function itemOf(row, source, open) {
  const title = titleOf(row);
  const entry = entryOfEvent(row, source);
  const link = element("a", { href: row.page ?? (entry.film ?? entry.picture)?.url ?? "#" }, title);
  link.dataset.id = row.id;
  openHere(link, () => open(row));
  const shot = row.thumbnail_url
    ? thumbnail(source.own(row.thumbnail_url), _("The picture is gone, or cannot be reached."))
    : element("span", { className: "no-picture" }, entry.why);
  const zones = (row.zones ?? []).map((zone) => element("span", { className: "badge" }, zone));
  const film = row.recording_id ? (row.pre_roll_s > 0 ? _("Film, from {seconds} s before", { seconds: Math.round(row.pre_roll_s) }) : _("Film")) : "";
  return element("li", { className: "event" },
    element("span", { className: "shot" }, shot),
    element("div", { className: "about" },
      element("strong", {}, link),
      element("span", {}, ...whereAndWhen(row)),
      ...(row.detail ? [element("span", { className: "soft" }, row.detail)] : []),
      ...(film ? [element("span", { className: "soft" }, film)] : []),
      ...(zones.length ? [element("span", { className: "badges" }, ...zones)] : [])));
}
