// Shows the live picture. The stream is read here rather than by the <img>: that never tells when a stream has ended,
// and Chromium shows each picture one late. Where a browser does not hand a stream to scripts, the <img> reads it.

import { parts } from "./parts.js";
import { byId, clockTime } from "./dom.js";

const SILENCE_MS = 15000; // the slowest stream has a picture each 10 s
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15000;
const RENEW_MS = 30000;
const FRUITLESS_MAX = 3;

const picture = byId("picture");
const veil = byId("veil");
const moment = byId("moment");

const is = { node: true, hidden: false, paused: false, streaming: false, trouble: "" };
let current = null; // the AbortController of the stream being read
let fruitless = 0; // streams that the node began and the browser did not hand over; -1 once one was
let wake = () => {}; // ends the rest between two streams
let shownUrl = "";
let shownFrame = "";

/** Shows the live picture for as long as somebody looks, whatever happens to the node. */
export async function live() {
  let pause = FIRST_PAUSE_MS;
  for (;;) {
    await looking();
    if (!is.node || is.paused) {
      await rest(500);
      continue;
    }
    const seen = fruitless < FRUITLESS_MAX ? await readStream() : await leaveToImage();
    is.streaming = false;
    draw();
    if (is.paused) continue;
    pause = seen ? FIRST_PAUSE_MS : Math.min(pause * 2, LONGEST_PAUSE_MS);
    if (!document.hidden && is.node) await rest(pause);
  }
}

/** Tells whether the node answers, and whether it hides what it sees. While its camera is offline it sends a drawn placeholder. */
export function tell(node, hidden = false) {
  if (is.node && !node) current?.abort();
  if (is.hidden && !hidden) wake();
  is.node = node;
  is.hidden = hidden;
  draw();
}

/** Lets go of the stream while something else is shown, and takes it up again. */
export function pause(isPaused) {
  is.paused = isPaused;
  if (isPaused) current?.abort();
  else wake();
}

function draw() {
  const words = !is.node ? "The node does not answer. Trying again …" : is.streaming ? "" : is.trouble || "Connecting …";
  if (veil.textContent !== words) veil.textContent = words;
}

/** Reads a stream to its end; returns whether it had a picture. */
async function readStream() {
  current = new AbortController();
  const giveUp = () => current.abort();
  let timer = setTimeout(giveUp, SILENCE_MS);
  let seen = false;
  const hide = () => document.hidden && current.abort();
  document.addEventListener("visibilitychange", hide);
  try {
    const response = await fetch("stream", { signal: current.signal, cache: "no-store" });
    is.trouble = response.ok ? "" : await reason(response);
    if (!response.ok) return false;
    for await (const { headers, bytes } of parts(response.body)) {
      clearTimeout(timer);
      timer = setTimeout(giveUp, SILENCE_MS);
      seen = true;
      fruitless = -1;
      show(headers, bytes);
    }
    is.trouble = "The picture was interrupted. Connecting again …";
  } catch (error) {
    is.trouble = "The picture was interrupted. Connecting again …";
    if (fruitless >= 0 && error.name !== "AbortError" && is.node && (await answers())) fruitless += 1;
  } finally {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", hide);
    current.abort();
  }
  return seen;
}

function show(headers, bytes) {
  is.streaming = true;
  draw();
  const frame = headers.get("x-frame-id");
  if (frame && frame === shownFrame) return; // sent again for those who show each picture late
  shownFrame = frame;
  const url = URL.createObjectURL(new Blob([bytes], { type: headers.get("content-type") ?? "image/jpeg" }));
  const old = shownUrl;
  shownUrl = url;
  picture.src = url;
  picture.hidden = false;
  picture.decode().catch(() => {}).finally(() => URL.revokeObjectURL(old)); // decode fails when a newer one came first
  if (is.paused) return;
  const at = Number(headers.get("x-timestamp"));
  const hidden = headers.get("x-placeholder") === "privacy";
  moment.textContent = at ? clockTime(at * 1000) : hidden ? "Privacy is on" : "No live picture";
}

/** Lets the <img> read the stream for a while, and begins it anew then: nothing would tell that it ended. */
async function leaveToImage() {
  picture.src = `stream?_=${Date.now()}`;
  picture.hidden = false;
  is.streaming = true;
  draw();
  await rest(RENEW_MS);
  if (document.hidden) picture.removeAttribute("src");
  return true;
}

async function reason(response) {
  if (response.status === 401) location.assign("login");
  if (response.status === 403) {
    picture.hidden = true; // it would show what was seen before
    moment.textContent = "Privacy is on";
    return "Privacy is on: nothing is seen, and nothing kept.";
  }
  if (response.status === 503) return "Too many people are watching. Trying again …";
  return `The node refuses the stream (${response.status}). Trying again …`;
}

async function answers() {
  const response = await fetch("healthz", { signal: AbortSignal.timeout(3000) }).catch(() => null);
  return response !== null;
}

function looking() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
}

function rest(milliseconds) {
  return new Promise((resolve) => {
    wake = resolve;
    setTimeout(resolve, milliseconds);
  });
}
