// Events, pictures and films of this node.

import { command, read, remove } from "./api.js";
import { byId } from "./dom.js";
import { entryOfEvent, eventList } from "./event_list.js";
import { entryOfMedia, gallery } from "./gallery.js";
import { filter } from "./paged_list.js";
import { Viewer } from "./viewer.js";
import { EVENT_KINDS, MEDIA_KINDS, wordsOf } from "./words.js";

const PAGE = 24;
// An event without motion, recording or picture changes nothing else that the node tells.
const REFRESH_MS = 30000;
const LISTED_MAX = 200;

const source = (name) => ({
  own,
  address: (_row, id) => `media/${encodeURIComponent(id)}`,
  load: async (query) => {
    const asked = Object.entries(query).filter(([, value]) => value);
    const rows = await read(`api/${name}?${new URLSearchParams([["limit", PAGE + 1], ...asked])}`);
    return { rows: rows.slice(0, PAGE), more: rows.length > PAGE };
  },
  about: async (row, id) => {
    const before = new Date(Date.parse(row.ended_at ?? row.at) + 5000).toISOString();
    return (await read(`api/media?limit=${LISTED_MAX}&before=${before}`)).find((one) => one.id === id) ?? null;
  },
  keep: async (_row, id, kept) => refusalOf("keep", await command("keep", { media_id: id, off: !kept })),
  remove: async (_row, id) => refusalOf("delete", await remove(id)),
});
const [eventSource, mediaSource] = [source("events"), source("media")];
const eventViewer = new Viewer(eventSource, (row) => entryOfEvent(row, eventSource));
const mediaViewer = new Viewer(mediaSource, (row) => entryOfMedia(row, mediaSource));

const events = eventList(byId("events"), eventSource, {
  open: (list, row) => eventViewer.open(list, row),
  filters: [filter("kind", "Kind", [["", "all"], ...Object.entries(EVENT_KINDS)])],
  nothing: "Nothing has happened yet.",
});
const pictures = gallery(byId("pictures"), mediaSource, {
  open: (list, row) => mediaViewer.open(list, row),
  filters: [filter("kind", "Kind", [["", "all"], ...Object.entries(MEDIA_KINDS)])],
  nothing: "None has been saved yet.",
});
let shown = null;
let at = 0;

/** Shows the lists anew where what the node tells has changed; with privacy on it names no picture. */
export async function showHistory({ media, states }, hidden) {
  const now = JSON.stringify([hidden, states.motion, states.recording, media.map((one) => one.id)]);
  if (now === shown && Date.now() - at < REFRESH_MS) return;
  [shown, at] = [now, Date.now()];
  byId("no-pictures").textContent = hidden ? "Privacy is on: those that were saved are not shown." : "";
  byId("no-pictures").hidden = !hidden;
  byId("pictures").hidden = hidden;
  try {
    await events.refresh();
    if (hidden) pictures.clear();
    else await pictures.refresh();
  } catch {
    shown = null; // the next answer of the node tries again
  }
}

const refusalOf = (verb, reply) => (reply.ok ? "" : wordsOf(verb, reply));

/** Returns an address as this page reaches it: the node may know itself under another name, or without a proxy's path. */
export function own(url) {
  const { pathname, search } = new URL(url ?? "", location.href);
  return pathname.slice(pathname.lastIndexOf("/media/") + 1) + search;
}
