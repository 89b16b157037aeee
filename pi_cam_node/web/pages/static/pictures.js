// Shows the last saved pictures.

import { byId, dayTime, element } from "./dom.js";

const KINDS = { single: "Picture", stack: "Stack", ring: "From the past", auto: "Automatic" };
let shown = "";

/** Shows pictures {id, kind, first_at, url, thumbnail_url}, newest first; with privacy on the node names none. */
export function showPictures(media, hidden) {
  const ids = media.map((one) => one.id).join(" ");
  byId("no-pictures").hidden = media.length > 0;
  byId("no-pictures").textContent = hidden ? "Privacy is on: those that were saved are not shown." : "None has been saved yet.";
  if (ids === shown) return; // links are signed anew each time; those that are there open with the session too
  shown = ids;
  byId("pictures").replaceChildren(...media.map(thumb));
}

function thumb(one) {
  const kind = KINDS[one.kind] ?? one.kind;
  const when = dayTime(one.first_at);
  const image = element("img", { alt: `${kind} of ${when}`, loading: "lazy", width: 320, height: 240, src: own(one.thumbnail_url ?? one.url) });
  const link = element("a", { href: own(one.url), target: "_blank", rel: "noopener" }, image, element("strong", {}, kind), when);
  link.dataset.id = one.id;
  return element("li", {}, link);
}

/** Returns an address on this very host: the node may know itself under another name than the reader does. */
export function own(url) {
  const { pathname, search } = new URL(url, location.href);
  return pathname + search;
}
