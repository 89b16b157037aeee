// What every page does: words times in the reader's zone, hears what changed, says when the console is silent, and asks
// again before something is removed.

import { isLoggedIn, logIn } from "./session.js";

const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const TODAY = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
// The server beats every 15 s.
const SILENT_AFTER_MS = 40_000;
// A connection that broke is made anew sooner, while the console is there.
const BROKEN_AFTER_MS = 5_000;
// A button that removes something does so at a second press within this time.
const SURE_MS = 4_000;
// Half as long to half as long again.
const AGAIN_MS = 3_000;
const OF_CAMERA = /^\/(cameras|settings\/nodes)\//;
const build = document.body.dataset.build;
let heard = Date.now();
let source;
let listeningSince = 0;
let day = new Date().toDateString();
let sent;
// What each button or form sends at present.
const underWay = new Map();
const bar = document.getElementById("mode");

export function wordTimes(root = document) {
  for (const element of root.querySelectorAll("time[datetime]:not([data-worded])")) {
    const at = new Date(element.dateTime);
    const isToday = at.toDateString() === new Date().toDateString();
    element.title = MOMENT.format(at);
    element.textContent = (isToday ? TODAY : MOMENT).format(at);
    element.dataset.worded = "";
  }
}

/** Leaves where the session has ended: the console is there, and shows this page nothing any more. */
async function leaveIfEnded() {
  // Not /auth/check: proxies that use it themselves hide it.
  const answer = await fetch("/api/nodes", { signal: AbortSignal.timeout(SILENT_AFTER_MS) }).catch(() => undefined);
  if (answer?.status === 401) logIn();
}

function listen() {
  source?.close();
  const mine = (source = new EventSource("/changes"));
  listeningSince = Date.now();
  source.onerror = () => {
    heard = Math.min(heard, Date.now() - SILENT_AFTER_MS + BROKEN_AFTER_MS);
    leaveIfEnded();
    // Where a proxy answers in place of the console, the browser gives up.
    if (mine.readyState === EventSource.CLOSED) setTimeout(() => mine === source && listen(), AGAIN_MS * (0.5 + Math.random()));
  };
  source.addEventListener("changed", ({ data }) => {
    reached();
    for (const part of data.split(" ").filter(Boolean)) {
      document.body.dispatchEvent(new CustomEvent(`changed-${part}`));
    }
  });
  // It comes first with each connection: what changed since the page was made, or while nothing was heard, is fetched now.
  source.addEventListener("build", ({ data }) => {
    reached();
    if (data !== build) document.body.dispatchEvent(new CustomEvent("new-build"));
    everythingMayHaveChanged();
  });
}

function reached() {
  const was = Date.now() - heard > SILENT_AFTER_MS;
  heard = Date.now();
  isLoggedIn();
  const notice = document.getElementById("unreached");
  if (notice) notice.hidden = true;
  if (was) everythingMayHaveChanged();
}

function everythingMayHaveChanged() {
  for (const part of ["nodes", "events", "health", "sensors", "mode"]) document.body.dispatchEvent(new CustomEvent(`changed-${part}`));
}

function look() {
  const notice = document.getElementById("unreached");
  if (notice) notice.hidden = Date.now() - heard < SILENT_AFTER_MS;
  // A connection whose other end is gone without a word (another Wi-Fi, a device that slept) never breaks by itself.
  if (Date.now() - Math.max(heard, listeningSince) >= SILENT_AFTER_MS) listen();
  wordTimesOfYesterday();
}

/** Adds the date to times that were today's when the page was made, or were in another zone. */
function wordTimesOfYesterday() {
  const today = new Date().toDateString();
  if (today === day) return;
  day = today;
  for (const element of document.querySelectorAll("time[data-worded]")) delete element.dataset.worded;
}

/** Stops the first press of a button with `data-sure`, and shows these words on it until the second: a double click is one. */
function askTwice(event) {
  const button = event.target.closest?.("button[data-sure]");
  if (!button || (button.dataset.asked && event.detail < 2)) return;
  event.preventDefault();
  event.stopPropagation();
  if (button.dataset.asked) return;
  const words = button.textContent;
  const calm = () => {
    button.textContent = words;
    delete button.dataset.asked;
  };
  button.textContent = button.dataset.sure;
  button.dataset.asked = "yes";
  setTimeout(calm, SURE_MS);
}

/** Copies the field that a button names; where the page is not encrypted, browsers have only the older way. */
async function copy(event) {
  const button = event.target.closest?.("button[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  field.select();
  const isCopied = await (navigator.clipboard?.writeText(field.value) ?? Promise.reject()).then(() => true, () => document.execCommand("copy"));
  if (isCopied) button.textContent = button.dataset.done;
}

/** Puts words in the place of a small picture that is gone, or cannot be reached: browsers show a broken one. */
function explainPicture({ target }) {
  if (target.localName !== "img" || !target.closest(".strip")) return;
  const words = document.createElement("span");
  words.className = "no-picture";
  words.textContent = target.closest("[data-no-picture]").dataset.noPicture;
  target.replaceWith(words);
}

/** Says beside a button what became of its request: an older answer would pass for that of this one. */
function sayOf({ detail: { ctx } }, words, kind) {
  if (ctx.request.method === "GET" || ctx.target?.getAttribute?.("role") !== "status") return;
  const said = document.createElement("span");
  said.classList.add("said", kind);
  said.textContent = words;
  ctx.target.replaceChildren(said);
}

/** Does in place of htmx what is to be done where the session has ended, or a part of the page is refused: that part stays. */
function takeRefusal(event) {
  const { request, response } = event.detail.ctx;
  if (response.status === 401) {
    sayOf(event, document.body.dataset.ended, "refused");
    logIn();
  } else if (response.status < 400 || request.method !== "GET") return;
  event.preventDefault();
  // Of a camera that is gone the page says so itself.
  if (response.status === 404 && OF_CAMERA.test(location.pathname)) location.reload();
}

/** Drops a press of which the same one is being answered, or leads to another page: a double click is one. */
function dropSecond(event) {
  const { sourceElement, request } = event.detail.ctx;
  if (request.method === "GET") return;
  const press = `${request.action} ${new URLSearchParams(request.body)}`;
  if (underWay.get(sourceElement) === press) event.preventDefault();
  else underWay.set(sourceElement, press);
}

/** Takes the same press again, unless the page is being left. */
function maySendAgain({ detail: { ctx } }) {
  const isLeaving = ctx.hx?.redirect && ctx.response.status < 400; // a refusal of who is not logged in stays here
  if (!isLeaving) underWay.delete(ctx.sourceElement);
}

/** Notes which form of the bar above the page is sent; its answer replaces the bar, and with it what has the focus. */
function noteForm({ detail: { ctx } }) {
  if (ctx.request.method !== "GET" && ctx.target?.id === "mode") sent = ctx.sourceElement;
}

function keepFocus() {
  if (!sent || document.activeElement !== document.body) return;
  bar.querySelector(sent.id === "pushes" ? ".bell" : "[aria-pressed=true]")?.focus();
}

document.addEventListener("htmx:before:request", (event) => sayOf(event, document.body.dataset.working, "waiting"));
document.addEventListener("htmx:error", (event) => event.detail.ctx && sayOf(event, document.body.dataset.unanswered, "refused"));
document.addEventListener("htmx:before:response", takeRefusal);
document.addEventListener("htmx:config:request", dropSecond);
document.addEventListener("htmx:finally:request", maySendAgain);
addEventListener("pageshow", () => underWay.clear()); // the way back may bring the page as it was left
document.addEventListener("htmx:before:request", noteForm);
for (const event of ["pointerdown", "keydown"]) document.addEventListener(event, () => (sent = undefined), true);
if (bar) new MutationObserver(keepFocus).observe(bar, { childList: true, subtree: true });
document.addEventListener("error", explainPicture, true); // of pictures it does not bubble
document.addEventListener("click", askTwice, true);
document.addEventListener("click", copy);
// The tab of this page may lie outside of a narrow window.
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
wordTimes();
// A part that is fetched again is merged into the page: an element may stay, and get its old text and attributes back.
new MutationObserver(() => wordTimes()).observe(document.body, { childList: true, subtree: true, attributeFilter: ["data-worded", "datetime"] });
if (document.body.dataset.account) {
  listen();
  setInterval(look, 5_000);
}
if ("serviceWorker" in navigator) navigator.serviceWorker.register("/sw.js").catch(() => undefined);
