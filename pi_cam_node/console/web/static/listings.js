// Events, pictures and films of every camera: the lists, and the player on a page of its own. They are the same modules as
// on a node's page, fed by the console.

import { entryOfEvent, eventList } from "./event_list.js";
import { entryOfMedia, gallery } from "./gallery.js";
import { Player } from "./player.js";
import { messageOf } from "./refusal.js";
import { logIn } from "./session.js";
import { Viewer } from "./viewer.js";
import { wordsOf } from "./words.js";

const PAGE = 24;
const LISTED_MAX = 200;
const DEADLINE_MS = 20_000;
const DAY = /^\d{4}-\d\d-\d\d$/;

async function ask(path, options = {}) {
  const answer = await fetch(path, { ...options, headers: { Accept: "application/json" }, signal: AbortSignal.timeout(DEADLINE_MS) });
  if (answer.status === 401) logIn();
  if (!answer.ok) throw new Error(await messageOf(answer));
  return answer.json();
}

async function change(row, id, action) {
  try {
    const reply = await ask(`/recordings/${row.camera}/${encodeURIComponent(id)}/${action}`, { method: "POST" });
    return reply.ok ? "" : wordsOf(action, reply);
  } catch (error) {
    return error.message;
  }
}

const asked = (query, limit) => new URLSearchParams([["limit", limit], ...Object.entries(query).filter(([, value]) => value)]);

const media = async (query, limit = PAGE) => {
  const { media: rows, more, notices } = await ask(`/api/media?${asked(query, limit)}`);
  return { rows, more, notices };
};

const events = async (query) => {
  const rows = await ask(`/api/events?${asked(query, PAGE + 1)}`);
  const shown = rows.slice(0, PAGE).map((row) => ({ ...row, id: String(row.number), page: `/events/${row.number}` }));
  return { rows: shown, more: rows.length > PAGE };
};

/** Returns the source of a list or of a player. */
function sourceOf(load, mayAct) {
  const source = { load, own: (url) => url ?? "", address: (row, id) => `/media/${row.camera}/${encodeURIComponent(id)}` };
  if (!mayAct) return source;
  return {
    ...source,
    keep: (row, id, kept) => change(row, id, kept ? "keep" : "release"),
    remove: (row, id) => change(row, id, "delete"),
    about: async (row, id) => {
      const before = new Date(Date.parse(row.ended_at ?? row.at) + 5_000).toISOString();
      return (await media({ camera: row.camera, before }, LISTED_MAX)).rows.find((one) => one.id === id) ?? null;
    },
  };
}

/** Writes what is chosen into the address: the way back from a page, and a bookmark, bring it again. */
function remember(shown) {
  const chosen = new URLSearchParams(Object.entries({ ...shown.query, day: shown.day }).filter(([, value]) => value)).toString();
  if (chosen !== location.search.slice(1)) history.replaceState(null, "", chosen ? `?${chosen}` : location.pathname);
}

/** Shows a list with the filters of the page, anew where the console tells of something new. */
function list(place, make, load, entryOf) {
  const loadChosen = (query) => {
    remember(shown);
    return load(query);
  };
  const source = sourceOf(loadChosen, place.dataset.mayAct === "yes");
  const viewer = new Viewer(source, (row) => entryOf(row, source));
  const form = document.getElementById("filters");
  const shown = make(place, source, {
    filters: [...form.querySelectorAll("label")],
    nothing: place.dataset.nothing,
    heading: "h2",
    open: (rows, row) => viewer.open(rows, row),
  });
  form.remove();
  const day = new URLSearchParams(location.search).get("day");
  if (DAY.test(day ?? "")) shown.picker.pick(day);
  else shown.reload();
  document.body.addEventListener("changed-events", async () => {
    await shown.follow();
    viewer.renew();
  });
}

function player(place) {
  const { kind, row: text, mayAct } = place.dataset;
  const [row, entryOf] = [JSON.parse(text), kind === "event" ? entryOfEvent : entryOfMedia];
  const source = sourceOf(null, mayAct === "yes");
  const made = new Player(source, () => location.assign(kind === "event" ? "/events" : "/recordings"), false);
  place.replaceChildren(made.element);
  made.show(entryOf(row, source));
  document.body.addEventListener("changed-events", () => made.isEmpty && renew().catch(() => undefined));

  /** Shows what has come meanwhile of an event that had no picture yet. */
  async function renew() {
    const answer = await fetch(location.href, { signal: AbortSignal.timeout(DEADLINE_MS) });
    const there = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("player");
    if (there && there.dataset.row !== text) made.show(entryOf(JSON.parse(there.dataset.row), source));
  }
}

const [eventsPlace, recordings, single] = ["events", "recordings", "player"].map((id) => document.getElementById(id));
if (eventsPlace) list(eventsPlace, eventList, events, entryOfEvent);
if (recordings) list(recordings, gallery, media, entryOfMedia);
if (single) player(single);
