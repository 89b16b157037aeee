// Motion of one camera: its controls, and the editor of its zones over its live picture. It does not know which program
// serves the page.

import { MotionControls } from "./motion_controls.js";
import { wordsOf } from "./words.js";
import { ZoneEditor } from "./zone_editor.js";

/** Fills `place` with the controls, and `panel` below the picture while zones are drawn; returns what shows settings by key
 * and the states of the camera.
 *
 * `figure` holds the live picture that `picture()` returns. `set(key, value)` and `explain()` return the node's reply;
 * `changed()` follows a change.
 */
export function motionCard({ place, panel, figure, picture, set, explain, changed }) {
  let known = new Map();
  const editor = new ZoneEditor(figure, picture, panel, {
    closed: () => controls.draw.focus({ preventScroll: true }),
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
  const areas = (key) => known.get(key)?.value ?? [];
  const controls = new MotionControls(place, { set, explain, changed, draw: () => editor.isOpen || editor.open(areas("motion.zones"), areas("motion.ignore")) });
  return (settings, states) => {
    known = settings;
    controls.show(settings, states);
  };
}
