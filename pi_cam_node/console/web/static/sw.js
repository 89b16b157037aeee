// The service worker: the shell for when the console cannot be reached, and notifications. It keeps nothing that it
// fetched for a page: what is in the cache is named here, and pictures are not.

const CACHE = "shell-1";
const DEADLINE_MS = 30_000;
const SHELL = ["/offline", "/static/base.css", "/static/console.css", "/static/icon.svg", "/static/offline.js"];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(SHELL)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const forget = async () => {
    for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
    await self.clients.claim();
  };
  event.waitUntil(forget());
});

/** Returns the console's answer to a request; rejects where none begins in time, or a proxy says that it reaches none. */
async function answerTo(request) {
  const late = new Promise((_, reject) => setTimeout(() => reject(new DOMException("", "TimeoutError")), DEADLINE_MS));
  const answer = await Promise.race([fetch(request), late]);
  // The console's own answers have a policy.
  if (answer.status >= 500 && !answer.headers.has("content-security-policy")) throw new DOMException("", "NetworkError");
  return answer;
}

self.addEventListener("fetch", (event) => {
  if (event.request.mode === "navigate") {
    event.respondWith(answerTo(event.request).catch(() => caches.match("/offline")));
  } else if (SHELL.includes(new URL(event.request.url).pathname)) {
    event.respondWith(answerTo(event.request).catch(() => caches.match(event.request)));
  }
});

// Always shown: browsers take the permission away from pages that hide pushes.
self.addEventListener("push", (event) => {
  let told = {};
  try {
    told = event.data?.json()?.notification ?? {};
  } catch {
    told = {};
  }
  const { title = "Camera", body = "", image, tag, navigate = "/" } = told;
  event.waitUntil(
    self.registration.showNotification(title, { body, image, tag, icon: "/static/icon-192.png", data: { navigate }, renotify: Boolean(tag) }),
  );
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const target = new URL(event.notification.data?.navigate ?? "/", self.location.origin);
  const open = async () => {
    const windows = await self.clients.matchAll({ type: "window" });
    const here = windows.find((one) => new URL(one.url).origin === target.origin);
    if (here && target.origin === self.location.origin) {
      await here.focus();
      await here.navigate(target.href);
    } else {
      await self.clients.openWindow(target.href);
    }
  };
  event.waitUntil(open());
});
