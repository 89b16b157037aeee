// A button that shows live video in a screen (a <figure>) in place of its pictures, and gives them back.

import { clockTime, element } from "./dom.js";
import { LiveVideo } from "./live_video.js";

/**
 * Adds the button to a place. `moment` says the time of the picture; `onSwitch(isVideo)` stops and starts the pictures.
 * Returns what to call with `true` where nothing may be seen.
 */
export function watch({ figure, place, moment, url, name, onSwitch }) {
  const video = element("video", { muted: true, playsInline: true, autoplay: true, hidden: true, className: "video" });
  video.setAttribute("aria-label", `Live video of ${name}`);
  const words = element("p", { className: "veil video-words", hidden: true });
  const button = element("button", { type: "button", className: "plain watch" }, "Live video");
  figure.append(video, words);
  place.prepend(button);

  const player = new LiveVideo(video, url, ({ words: said, at, behind }) => {
    if (words.textContent !== said) words.textContent = said;
    moment.textContent = at === null ? "" : `${clockTime(at)}${behind > 0 ? `, ${Math.round(behind)} s behind` : ""}`;
  });

  function show(isVideo) {
    figure.dataset.showing = isVideo ? "video" : "pictures";
    video.hidden = words.hidden = !isVideo;
    button.textContent = isVideo ? "Single pictures" : "Live video";
    moment.textContent = "";
    onSwitch(isVideo);
    if (isVideo) player.start();
    else player.stop();
  }

  button.addEventListener("click", () => show(figure.dataset.showing !== "video"));
  return (isHidden) => {
    if (isHidden && figure.dataset.showing === "video") show(false);
    button.disabled = isHidden;
  };
}
