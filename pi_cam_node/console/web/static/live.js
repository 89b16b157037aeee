// Live pictures of every camera on the page, over one WebSocket: the newest picture of each, drawn on a canvas.

const OLD_AFTER_MS = 2_000;
const GONE_AFTER_MS = 10_000;
// A decoder that has not answered by then is not waited for any more.
const DECODED_AFTER_MS = 3_000;
// Live cameras of a console that is there are heard at least this often.
const SILENT_AFTER_MS = 30_000;
// Where none is live nothing need be heard; a connection that is gone without a word is not kept for ever either.
const RENEWED_AFTER_MS = 300_000;
const CONNECTED_AFTER_MS = 15_000;
// Pictures a second of a camera that is scrolled out of view: it is not old when it comes into view, and is emptied
// where it may not be seen any more.
const UNSEEN_FPS = 1;
// How long pictures that arrived may wait for being told: so they cost few messages.
const SEEN_AFTER_MS = 50;
// Half as long to half as long again: browsers that lost the same console do not come back at one moment.
const WAIT_MS = [500, 1_000, 2_000, 3_000];
// So many connections that did not come about in a row are no coincidence.
const EXPLAINED_AFTER = 3;
const NUMBERS = new TextDecoder();
// The time by a clock that nobody sets while the page is open.
const now = () => performance.timeOrigin + performance.now();
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const AGO = new Intl.RelativeTimeFormat(undefined, { numeric: "always", style: "narrow" });

/** Returns an age in words, in the unit that suits it. */
function agoOf(seconds) {
  const [size, unit] = [[86_400, "day"], [3_600, "hour"], [60, "minute"]].find(([one]) => seconds >= 2 * one) ?? [1, "second"];
  return AGO.format(-Math.round(seconds / size), unit);
}

class Screen {
  constructor(figure) {
    this.figure = figure;
    this.canvas = figure.querySelector("canvas");
    this.veil = figure.querySelector(".veil");
    this.age = figure.querySelector(".age");
    this.note = figure.querySelector(".note");
    this.at = 0;
    this.lagMs = Infinity;
    this.isLive = false;
    this.turn = 0;
    this.decodingUntil = 0;
    this.isSeen = true;
    this.width = 320;
  }

  async draw(at, jpeg) {
    if (performance.now() < this.decodingUntil) return; // the next one comes
    const turn = ++this.turn;
    this.decodingUntil = performance.now() + DECODED_AFTER_MS;
    try {
      const bitmap = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
      if (turn !== this.turn) return bitmap.close(); // a later one was begun, or none may be seen any more
      if (this.canvas.width !== bitmap.width || this.canvas.height !== bitmap.height) {
        this.canvas.width = bitmap.width;
        this.canvas.height = bitmap.height;
      }
      this.canvas.getContext("2d").drawImage(bitmap, 0, 0);
      bitmap.close();
      this.compare(at);
      this.at = at;
      this.veil.textContent = "";
      this.explain();
      this.tell();
    } catch {
      // A picture that cannot be read is left out; its age shows that.
    } finally {
      if (turn === this.turn) this.decodingUntil = 0;
    }
  }

  status(live, text) {
    this.isLive = live;
    this.why = text;
    if (this.at) this.explain();
    // What covers the picture says it, too: it came with the page, and may be older.
    if (!live && (!this.at || this.veil.textContent)) this.veil.textContent = text;
  }

  // One sentence above a picture that is not live.
  explain() {
    const text = this.isLive ? "" : (this.why ?? "");
    if (this.note.textContent !== text) this.note.textContent = text;
    this.note.hidden = !text;
  }

  // Compares the clocks of camera and browser, which may be minutes apart: a picture that follows another one has just been
  // taken. One that is older than the one before it comes from a clock that was put back.
  compare(at) {
    if (at < this.at) this.lagMs = Infinity;
    else if (this.at && at > this.at) this.lagMs = Math.min(this.lagMs, now() - at);
  }

  // Nothing of it may be shown any more: the canvas is emptied, not only covered.
  blank(text) {
    this.turn++;
    this.decodingUntil = 0;
    this.canvas.getContext("2d").clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.at = 0;
    this.note.hidden = true;
    this.veil.textContent = text;
    this.figure.dispatchEvent(new Event("blank"));
    this.tell();
  }

  tell() {
    const age = now() - this.at - (Number.isFinite(this.lagMs) ? this.lagMs : 0);
    const isOld = this.at && age > OLD_AFTER_MS;
    const time = this.at ? CLOCK.format(this.at) : "";
    this.age.textContent = isOld ? agoOf(age / 1000) : time;
    const { name, liveWord, stillWord } = this.figure.dataset;
    this.canvas.ariaLabel = [name, this.isLive && !isOld ? liveWord : stillWord, time].filter(Boolean).join(", ");
    if (isOld && age > GONE_AFTER_MS && this.isLive) this.figure.classList.add("stale");
    else this.figure.classList.remove("stale");
  }
}

export class LiveView {
  constructor({ fps = 2 } = {}) {
    this.fps = fps;
    this.screens = new Map();
    this.tries = 0;
    this.heard = 0;
    this.observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        const screen = this.screens.get(target.dataset.camera);
        if (screen) screen.isSeen = isIntersecting;
      }
      this.ask();
    });
    document.addEventListener("visibilitychange", () => (document.hidden ? this.close() : this.connect()));
    this.find();
    this.connect();
    setInterval(() => this.watch(), 1_000);
  }

  // Takes note of the cameras on the page; those that stay keep what they show.
  find() {
    const figures = [...document.querySelectorAll("figure.screen[data-camera]")];
    const there = new Set(figures.map((figure) => figure.dataset.camera));
    for (const camera of this.screens.keys()) if (!there.has(camera)) this.screens.delete(camera);
    for (const figure of figures) {
      const old = this.screens.get(figure.dataset.camera);
      if (old?.figure === figure && old.canvas === figure.querySelector("canvas")) {
        if (old.at) old.explain(); // a part that was fetched again may have taken the sentence away
        continue;
      }
      this.screens.set(figure.dataset.camera, new Screen(figure));
      this.observer.observe(figure);
    }
    this.ask();
  }

  connect() {
    if (this.socket || document.hidden) return;
    const socket = (this.socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live`));
    socket.binaryType = "arraybuffer";
    this.heard = Date.now();
    socket.onopen = () => {
      this.tries = 0;
      this.seen = 0;
      this.asked = "";
      this.ask();
    };
    socket.onmessage = ({ data }) => (typeof data === "string" ? this.status(JSON.parse(data)) : this.picture(data));
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.socket = undefined;
      const wait = WAIT_MS[Math.min(this.tries++, WAIT_MS.length - 1)];
      if (this.tries % EXPLAINED_AFTER === 0) this.explain();
      setTimeout(() => this.connect(), wait * (0.5 + Math.random()));
    };
  }

  // Says why there is no connection, where the console itself answers, and not a proxy in its place.
  async explain() {
    const answer = await fetch("/live", { signal: AbortSignal.timeout(CONNECTED_AFTER_MS) }).catch(() => undefined);
    if (!answer?.headers.has("content-security-policy") || this.socket?.readyState === WebSocket.OPEN) return;
    const { noSocket, tooMany } = document.body.dataset;
    const text = { 400: noSocket, 503: tooMany }[answer.status];
    if (!text) return;
    for (const screen of this.screens.values()) {
      // Privacy, or a node that is offline, stays the reason.
      if (!("trouble" in screen.veil.dataset)) screen.status(false, text);
    }
  }

  close() {
    const socket = this.socket;
    this.socket = undefined;
    socket?.close();
  }

  ask() {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    const cameras = {};
    for (const [camera, screen] of this.screens) {
      // One on a page of the wall that is not shown has no width: it keeps its last.
      screen.width = Math.ceil(screen.figure.clientWidth * Math.min(2, devicePixelRatio || 1)) || screen.width;
      // Beside live video nobody sees the pictures, but that none may be seen comes with them.
      const isUnderVideo = screen.figure.dataset.showing === "video";
      cameras[camera] = isUnderVideo ? { fps: 1, width: 64 } : { fps: screen.isSeen ? this.fps : UNSEEN_FPS, width: screen.width };
    }
    const wanted = JSON.stringify(cameras);
    if (wanted === this.asked) return;
    this.asked = wanted;
    this.socket.send(JSON.stringify({ cameras, seen: this.seen }));
  }

  // Tells how many pictures have arrived: a console that sent more than the connection carries would send old ones.
  tellSeen() {
    this.telling = undefined;
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ seen: this.seen }));
  }

  picture(data) {
    this.heard = Date.now();
    this.seen++;
    this.telling ??= setTimeout(() => this.tellSeen(), SEEN_AFTER_MS);
    const view = new DataView(data);
    const length = view.getUint8(0);
    const camera = NUMBERS.decode(new Uint8Array(data, 1, length));
    this.screens.get(camera)?.draw(Number(view.getBigUint64(1 + length)), new Uint8Array(data, 9 + length));
  }

  status({ camera, live, text, blank }) {
    this.heard = Date.now();
    const screen = this.screens.get(camera);
    if (!screen) return;
    if (blank) screen.blank(text);
    screen.status(live, text);
  }

  watch() {
    const isExpected = [...this.screens.values()].some((screen) => screen.isLive);
    const isConnecting = this.socket?.readyState === WebSocket.CONNECTING;
    const patience = isConnecting ? CONNECTED_AFTER_MS : isExpected ? SILENT_AFTER_MS : RENEWED_AFTER_MS;
    if (this.socket && Date.now() - this.heard > patience) {
      this.close();
      this.connect();
    }
    for (const screen of this.screens.values()) screen.tell();
  }
}

if (!document.body.classList.contains("kiosk")) {
  const view = new LiveView({ fps: document.querySelector(".screen.full") ? 10 : 2 });
  new MutationObserver(() => view.find()).observe(document.getElementById("content"), { childList: true, subtree: true });
  for (const event of ["resize", "showing"]) addEventListener(event, () => view.ask());
}
