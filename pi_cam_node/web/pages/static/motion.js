// Motion of this node: its controls, and the zones over its live picture.

import { command } from "./api.js";
import { byId } from "./dom.js";
import { MotionControls } from "./motion_controls.js";
import { wordsOf } from "./words.js";
import { ZoneEditor } from "./zone_editor.js";

/** Returns what shows settings by key and states; `changed` asks the node how it is. */
export function motion(changed) {
  let known = new Map();
  const editor = new ZoneEditor(byId("screen"), () => byId("picture"), byId("zones"), {
    closed: () => byId("motion").querySelector(".draw").focus({ preventScroll: true }),
    save: async (areas) => {
      for (const [key, value] of [["motion.zones", areas.zones], ["motion.ignore", areas.ignore]]) {
        if (JSON.stringify(value) === JSON.stringify(known.get(key)?.value)) continue;
        const reply = await set(key, value);
        if (!reply.ok) return wordsOf("set", reply);
      }
      await changed();
      return "";
    },
  });
  const controls = new MotionControls(byId("motion"), {
    set, changed,
    explain: () => command("explain", { what: "motion" }),
    draw: () => editor.isOpen || editor.open(known.get("motion.zones")?.value ?? [], known.get("motion.ignore")?.value ?? []),
  });
  return (settings, states) => {
    known = settings;
    controls.show(settings, states);
  };
}

const set = (key, value) => command("set", { key, value });
