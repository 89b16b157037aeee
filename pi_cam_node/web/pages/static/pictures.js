// The saved pictures of this node.

import { read, remove } from "./api.js";
import { byId } from "./dom.js";
import { Gallery } from "./gallery.js";
import { wordsOf } from "./words.js";

const PAGE = 24;

const gallery = new Gallery(byId("pictures"), {
  own,
  load: async (before) => {
    const rows = await read(`api/media?limit=${PAGE + 1}${before ? `&before=${encodeURIComponent(before)}` : ""}`);
    return { rows: rows.slice(0, PAGE), more: rows.length > PAGE };
  },
  remove: async (row) => {
    const reply = await remove(row.id);
    return reply.ok ? "" : wordsOf("delete", reply);
  },
});
let shown = null;

/** Shows the pictures anew where those that the node tells of have changed; with privacy on it names none. */
export async function showPictures(media, hidden) {
  const now = hidden ? "hidden" : media.map((one) => one.id).join(" ");
  if (now === shown) return;
  shown = now;
  try {
    if (hidden) gallery.clear();
    else await gallery.refresh();
  } catch {
    shown = null; // the next answer of the node tries again
  }
  byId("no-pictures").hidden = !gallery.isEmpty;
  byId("no-pictures").textContent = hidden ? "Privacy is on: those that were saved are not shown." : "None has been saved yet.";
}

/** Returns an address as this page reaches it: the node may know itself under another name, or without a proxy's path. */
export function own(url) {
  const { pathname, search } = new URL(url ?? "", location.href);
  return pathname.slice(pathname.lastIndexOf("/media/") + 1) + search;
}
