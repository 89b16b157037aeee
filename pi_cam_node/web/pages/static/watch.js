// A button that shows live video in a screen (a <figure>) in place of its pictures, and gives them back.

import { clockTime, element } from "./dom.js";
import { LiveVideo } from "./live_video.js";
import { _ } from "./translate.js";

/**
 * Adds the button to a place; `moment` says the time of the picture. The figure's `data-showing` tells what it shows,
 * and an event "showing" that it changed; an event "blank" there ends the video. Returns what to call with `true` where
 * nothing may be seen.
 */
export function watch({ figure, place, moment, url, name }) {
  const video = element("video", { muted: true, playsInline: true, autoplay: true, hidden: true, className: "video" });
  video.setAttribute("aria-label", _("Live video of {name}", { name }));
  const words = element("p", { className: "veil video-words", hidden: true });
  const button = element("button", { type: "button", className: "plain watch" }, _("Live video"));
  const sound = element("button", { type: "button", className: "plain sound", hidden: true }, _("Sound on"));
  figure.append(video, words);
  place.prepend(button, sound);

  function hear(isHeard) {
    video.muted = !isHeard;
    sound.textContent = isHeard ? _("Sound off") : _("Sound on");
  }

  const player = new LiveVideo(video, url, ({ words: said, at, behind, hasSound = false }) => {
    sound.hidden = !hasSound;
    if (words.textContent !== said) words.textContent = said;
    const time = at === null ? "" : clockTime(at);
    moment.textContent = time && behind > 0 ? _("{time}, {seconds} s behind", { time, seconds: Math.round(behind) }) : time;
  });

  function show(isVideo) {
    figure.dataset.showing = isVideo ? "video" : "pictures";
    video.hidden = words.hidden = !isVideo;
    button.textContent = isVideo ? _("Single pictures") : _("Live video");
    moment.textContent = "";
    sound.hidden = true;
    hear(false);
    figure.dispatchEvent(new Event("showing", { bubbles: true }));
    if (isVideo) player.start();
    else player.stop();
  }

  const isShown = () => figure.dataset.showing === "video";
  button.addEventListener("click", () => show(!isShown()));
  sound.addEventListener("click", () => hear(video.muted));
  figure.addEventListener("blank", () => isShown() && show(false));
  return (isHidden) => {
    if (isHidden && isShown()) show(false);
    button.disabled = isHidden;
  };
}
