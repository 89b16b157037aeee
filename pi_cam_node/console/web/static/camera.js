// Motion of one camera for owners: its controls, and its zones over the live picture.

import { motionCard } from "./motion_card.js";
import { messageOf } from "./refusal.js";

const DEADLINE_MS = 20_000;
const place = document.getElementById("motion");
const { camera } = place.dataset;
const figure = document.querySelector(`figure.screen[data-camera="${camera}"]`);
let known = new Map();
let states = {};

async function ask(path, body) {
  const options = body ? { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) } : {};
  const answer = await fetch(path, { ...options, signal: AbortSignal.timeout(DEADLINE_MS) });
  if (!answer.ok) throw new Error(await messageOf(answer));
  return answer.json();
}

/** Puts a command and returns its reply; never throws. */
const command = (verb, body) => ask(`/api/nodes/${camera}/${verb}`, body).catch((error) => ({ ok: false, code: "unanswered", message: error.message, data: {} }));

async function look() {
  const { nodes } = await ask("/api/nodes");
  states = nodes.find(({ id }) => id === camera)?.states ?? {};
  show(known, states);
}

async function changed() {
  const { settings } = await ask(`/api/nodes/${camera}/settings`);
  known = new Map(settings.map((setting) => [setting.key, setting]));
  await look();
  document.getElementById("motion-card").hidden = !known.has("motion.enable");
}

const show = motionCard({
  place, changed, figure,
  panel: document.getElementById("zones"),
  picture: () => figure.querySelector("canvas"),
  set: (key, value) => command("set", { key, value }),
  explain: () => command("explain", { what: "motion" }),
});

changed().catch(() => undefined); // a node that is offline describes nothing: there is nothing to set
document.body.addEventListener(`changed-node-${camera}`, () => look().catch(() => undefined));
