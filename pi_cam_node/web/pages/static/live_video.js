// Plays live video (HLS) in a <video>, for as long as it is wanted and the page is seen, whatever happens to the node.
// hls.js first: where Chromium plays HLS by itself it begins later and gives up for good.

import { _ } from "./translate.js";

const CHECK_MS = 500;
const STILL_MS = 2500; // three segments are buffered: a picture that stands for so long waits for the camera
const AGAIN_MS = 2000;
const DEADLINE_MS = 20000; // the first request waits for the encoder
const LIBRARY = new URL("./vendor/hls.light.min.js", import.meta.url);
const NATIVE = "application/vnd.apple.mpegurl";
const OPTIONS = {
  enableWorker: false, // there is nothing to convert
  maxBufferLength: 10,
  backBufferLength: 10,
  maxLiveSyncPlaybackRate: 1.1,
  liveSyncDurationCount: 3,
  liveMaxLatencyDurationCount: 6,
  abrEwmaDefaultEstimate: 20_000_000, // the whole picture first; a thin line shows soon enough
};

let library = null;

/** Returns hls.js, loaded once it is needed. */
function hlsLibrary() {
  library ??= new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: LIBRARY.href });
    const fail = (error) => {
      library = null; // the next start loads it again
      script.remove();
      reject(error);
    };
    const timer = setTimeout(() => fail(new DOMException("", "TimeoutError")), DEADLINE_MS);
    script.addEventListener("load", () => {
      clearTimeout(timer);
      resolve(globalThis.Hls);
    });
    script.addEventListener("error", () => {
      clearTimeout(timer);
      fail(new Error(_("The player could not be loaded.")));
    });
    document.head.append(script);
  });
  return library;
}

export class LiveVideo {
  #video;
  #url;
  #tell;
  #hls = null;
  #wanted = false;
  #run = 0; // what an earlier start still waits for is none of a later one's business
  #timer = 0;
  #ticker = 0;
  #moved = { time: -1, at: 0 };
  #ahead = -Infinity; // of the node's clock, in ms; an answer names its second, and comes late, so the largest is nearest

  /**
   * `tell({words, at, behind, hasSound})`: `words` empty while it plays; `at` and `behind` of the picture shown, or null;
   * `hasSound` where there is something to be heard.
   */
  constructor(video, url, tell) {
    this.#video = video;
    this.#url = url;
    this.#tell = tell;
    document.addEventListener("visibilitychange", () => this.#wanted && (document.hidden ? this.#halt() : this.#begin()));
    video.addEventListener("error", () => this.#wanted && this.#hls === null && this.#again(_("The video was interrupted. Trying again …")));
  }

  start() {
    if (this.#wanted) return;
    this.#wanted = true;
    if (!document.hidden) this.#begin();
  }

  /** Stops, and shows nothing of what was seen. */
  stop() {
    this.#wanted = false;
    this.#halt();
  }

  async #begin() {
    this.#halt();
    const run = this.#run;
    this.#tell({ words: _("Connecting …"), at: null, behind: null });
    try {
      beginEncoding(this.#url);
      const [words, Hls] = await Promise.all([refusal(this.#url), hlsLibrary()]);
      if (run !== this.#run) return;
      if (words) return void this.#again(words);
      if (Hls.isSupported()) this.#playBy(Hls);
      else if (this.#video.canPlayType(NATIVE)) this.#video.src = this.#url;
      else return void this.#tell({ words: _("This browser cannot play live video."), at: null, behind: null });
      this.#moved = { time: -1, at: Date.now() };
      this.#ticker = setInterval(() => this.#check(), CHECK_MS);
      await this.#video.play();
    } catch (error) {
      if (run !== this.#run || error.name === "AbortError") return;
      if (error.name === "NotAllowedError") this.#video.controls = true; // it begins when somebody presses play
      else if (["TypeError", "TimeoutError"].includes(error.name)) this.#again(_("The node does not answer. Trying again …")); // of fetch
      else this.#again(error.message);
    }
  }

  #playBy(Hls) {
    const hls = new Hls(OPTIONS);
    this.#hls = hls;
    this.#ahead = -Infinity;
    hls.on(Hls.Events.LEVEL_LOADED, (_event, { networkDetails }) => {
      const told = Date.parse(networkDetails?.getResponseHeader?.("date"));
      if (told) this.#ahead = Math.max(this.#ahead, told - Date.now());
    });
    hls.on(Hls.Events.ERROR, (_event, { fatal, response }) => {
      // A node that refuses has a reason, and what was seen before is not shown on: it may be privacy.
      if ([401, 403, 503].includes(response?.code)) this.#begin();
      else if (fatal) this.#again(_("The video was interrupted. Trying again …"));
    });
    hls.loadSource(this.#url);
    hls.attachMedia(this.#video);
  }

  #again(words) {
    this.#halt();
    this.#tell({ words, at: null, behind: null });
    this.#timer = setTimeout(() => this.#wanted && !document.hidden && this.#begin(), AGAIN_MS);
  }

  #halt() {
    this.#run += 1;
    clearTimeout(this.#timer);
    clearInterval(this.#ticker);
    this.#hls?.destroy();
    this.#hls = null;
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  #check() {
    const [time, now] = [this.#video.currentTime, Date.now()];
    if (time !== this.#moved.time) this.#moved = { time, at: now };
    const still = now - this.#moved.at;
    const words = still < STILL_MS ? "" : _("The picture has stood still for {seconds} s. Waiting for more …", { seconds: Math.round(still / 1000) });
    const isPlaying = this.#video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
    const at = isPlaying ? this.#at() : null;
    const behind = isPlaying && this.#hls ? this.#behind(at) : null;
    this.#tell({ words: isPlaying || words ? words : _("Connecting …"), at, behind, hasSound: isPlaying && this.#hasSound() });
  }

  /** Returns how many seconds old the picture shown is: an encoder that is too slow makes even the newest one late. */
  #behind(at) {
    const age = at === null ? -Infinity : (Date.now() + this.#ahead - at) / 1000;
    return Math.max(this.#hls.latency, age);
  }

  #hasSound() {
    if (this.#hls) return this.#hls.levels.some((level) => level.audioCodec);
    return (this.#video.audioTracks?.length ?? 0) > 0; // Safari
  }

  /** Returns the time of the picture shown, as the node's clock stood. */
  #at() {
    if (this.#hls) return this.#hls.playingDate?.getTime() ?? null;
    const start = this.#video.getStartDate?.().getTime(); // Safari
    return Number.isFinite(start) ? start + this.#video.currentTime * 1000 : null;
  }
}

/** Asks for the playlist that will be played first, so that the node starts to encode while the player is loaded. */
function beginEncoding(url) {
  const first = new URL("main.m3u8", new URL(url, location.href));
  const signal = AbortSignal.timeout(DEADLINE_MS);
  fetch(first, { cache: "no-store", signal }).catch(() => null); // whatever is wrong is told by `refusal`
}

/** Returns why there is no live video now, for people; empty where there is. */
async function refusal(url) {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const response = await fetch(url, { cache: "no-store", headers: { "X-Requested-With": "fetch" }, signal });
  if (response.ok) return "";
  const said = (await response.text()).trim();
  if (response.status === 401) return _("The session has ended. Log in again.");
  if (response.status === 403) return _("Privacy is on: nothing is seen, and nothing kept.");
  if (response.status === 404) return _("Live video is off here.");
  if (response.status === 501) return _("Live video is not installed: {said}", { said });
  return _("{said}. Trying again …", { said: said.charAt(0).toUpperCase() + said.slice(1).replace(/\.$/, "") });
}
