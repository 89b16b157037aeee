// Subscribes this browser to pushes, and tells the console again at each visit: browsers change their minds silently.

import { messageOf } from "./refusal.js";

const box = document.getElementById("push");
const button = document.getElementById("push-button");
const said = document.getElementById("push-said");
const label = document.getElementById("push-label");
const TIMEOUT_MS = 10_000;

function say(text, isRefusal) {
  said.textContent = text;
  said.classList.toggle("refused", Boolean(isRefusal));
}

function bytesOf(key) {
  const text = atob(key.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function inTime(promise) {
  return Promise.race([promise, new Promise((_, reject) => setTimeout(() => reject(new DOMException("", "TimeoutError")), TIMEOUT_MS))]);
}

async function tell(subscription) {
  const body = JSON.stringify({ ...subscription.toJSON(), label: label.value });
  const headers = { "Content-Type": "application/json" };
  const answer = await inTime(fetch("/api/push/subscribe", { method: "POST", headers, body }));
  if (!answer.ok) throw new Error(await inTime(messageOf(answer)));
  return answer.status === 201;
}

async function subscription(mayAsk) {
  const registration = await inTime(navigator.serviceWorker.ready);
  let found = await inTime(registration.pushManager.getSubscription());
  const ours = bytesOf(box.dataset.key);
  const theirs = found && new Uint8Array(found.options.applicationServerKey ?? []);
  if (found && (theirs.length !== ours.length || theirs.some((byte, at) => byte !== ours[at]))) {
    await inTime(found.unsubscribe()); // the console has another key now, and could not send to it
    found = null;
    mayAsk = Notification.permission === "granted" || mayAsk;
  }
  return found ?? (mayAsk ? inTime(registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: ours })) : null);
}

async function subscribe() {
  button.disabled = true;
  try {
    if ((await Notification.requestPermission()) === "denied") throw new DOMException("", "NotAllowedError");
    const isNew = await tell(await subscription(true));
    say(box.dataset.on);
    if (isNew) location.reload();
  } catch (error) {
    const words = { NotAllowedError: box.dataset.denied, TimeoutError: box.dataset.timeout };
    say(words[error.name] ?? `${box.dataset.failed}: ${error.message}`, true);
  } finally {
    button.disabled = false;
  }
}

if (!isSecureContext || !("serviceWorker" in navigator)) {
  say(box.dataset.noSecure, true);
  button.disabled = true;
} else if (!("PushManager" in window) || !("Notification" in window)) {
  say(box.dataset.noPush, true);
  button.disabled = true;
} else {
  button.addEventListener("click", subscribe);
  subscription(false)
    .then(async (found) => {
      if (!found) return;
      await tell(found);
      say(box.dataset.on);
    })
    .catch(() => undefined);
}
