// The switch beside the picture that lets go of the camera: whoever is filmed finds it without looking through settings.

import { command } from "./api.js";
import { byId, say } from "./dom.js";

const MEANS = {
  on: "On: the camera is stopped, and nothing is shown. Saved pictures stay on the disk.",
  off: "Off. Switch it on to stop the camera and delete the pictures in memory.",
  unknown: "",
};

const box = byId("privacy");
let busy = false;

/** Wires the switch; `changed` asks the node how it is. */
export function wirePrivacy(changed) {
  box.addEventListener("change", async () => {
    busy = box.disabled = true;
    say(byId("privacy-said"), "Working …", "waiting");
    const reply = await command("privacy", { enable: box.checked });
    // Said only where it went wrong: the words beside the switch tell the rest, and stay true when others switch it.
    say(byId("privacy-said"), reply.ok ? "" : reply.message.replace(/^ERROR: /, ""), "refused");
    await changed(); // this answer may have been asked for before the switch
    busy = box.disabled = false;
    await changed();
  });
}

/** Shows whether privacy is on; `null` where nobody knows. */
export function showPrivacy(isOn) {
  if (busy) return;
  const state = { true: "on", false: "off" }[isOn] ?? "unknown";
  box.disabled = state === "unknown";
  if (state !== "unknown") box.checked = isOn; // also after a refusal, when only the switch has moved
  if (byId("private").dataset.state === state) return; // a screen reader would read the same again
  byId("private").dataset.state = state;
  byId("privacy-means").textContent = MEANS[state];
}
