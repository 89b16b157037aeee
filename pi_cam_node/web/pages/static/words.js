// Words for people, of what the API tells by short names: kinds, causes, ends, and what became of a command. The
// reply's own text is for scripts that match it.

import { clockTime } from "./dom.js";

export const MEDIA_KINDS = { single: "Picture", stack: "From the past", ring: "From the past, one by one", auto: "Automatic", event: "Picture of an event", recording: "Film", clip: "Clip", timelapse: "Time lapse" };
export const EVENT_KINDS = { motion: "Motion", trigger: "Trigger", record: "Recorded by hand" };
const FILMS = ["recording", "clip", "timelapse"];
const ENDED_BY = {
  camera_lost: "It ended when the camera was lost.",
  privacy: "Privacy ended it.",
  disabled: "It ended when motion detection was switched off.",
  interrupted: "It was cut off when the node stopped.",
};

export const isFilm = (kind) => FILMS.includes(kind);

/** Returns seconds as people say them: "7 s", "2 min 5 s", "1 h 3 min". */
export function spanOf(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours} h ${minutes} min` : `${minutes} min${whole % 60 ? ` ${whole % 60} s` : ""}`;
}

/** Returns a number of bytes as people say it. */
export function sizeOf(bytes) {
  if (!bytes) return "";
  return bytes < 1 << 20 ? `${Math.max(1, Math.round(bytes / 1024))} KiB` : `${(bytes / (1 << 20)).toFixed(1)} MiB`;
}

/** Returns how long an event took, in words; of one that goes on, that it does; empty of what has no end. */
export function lengthOf({ at, ended_at: end }) {
  if (end === undefined) return "";
  return end ? spanOf((Date.parse(end) - Date.parse(at)) / 1000) : "still going on";
}

/** Returns what happened, in a line: "Motion", "Trigger of doorbell". */
export function titleOf(event) {
  if (event.title) return event.title;
  const kind = EVENT_KINDS[event.kind] ?? event.kind;
  return event.kind === "trigger" && event.cause ? `${kind}: ${event.cause}` : kind;
}

/** Returns sentences that say what moved and why it is there. */
export function reasonsOf(event) {
  const zones = event.zones ?? [];
  const where = zones.length ? `in ${zones.join(" and ")}` : "in the picture";
  const began = {
    motion: `Something moved ${where}.`,
    trigger: `An outside sensor asked for it${event.cause ? `: ${event.cause}` : ""}.${zones.length ? ` Something moved ${where}.` : ""}`,
    record: `Somebody had it recorded.${zones.length ? ` Something moved ${where}.` : ""}`,
  }[event.kind];
  const film = event.recording_id
    ? event.pre_roll_s > 0 && `Its film begins ${event.pre_roll_s.toFixed(1)} s before it, at ${clockTime(Date.parse(event.at) - event.pre_roll_s * 1000)}.`
    : event.kind in EVENT_KINDS && event.ended_at && "It was not recorded.";
  return [began, film, event.ended_by && ENDED_BY[event.ended_by], event.detail].filter(Boolean);
}

const DONE = {
  save: () => "Saved.",
  pastStack: ({ data }) => {
    const count = data.frames_used ?? data.count;
    return count > 1 ? `Saved: ${count} pictures made into one.` : "Saved.";
  },
  keep: ({ data }) => (data.kept ? "Kept: it is not deleted to make room." : "May be deleted again to make room."),
  delete: () => "Deleted.",
  set: () => "Changed.",
  overwrite_config: ({ message }) => `Written${/ to (.+)$/.test(message) ? ` to ${/ to (.+)$/.exec(message)[1]}` : ""}.`,
};

const REFUSED = {
  busy: "The camera is busy with something else. Try again in a moment.",
  no_frames: "The memory does not reach back to that moment.",
  camera_down: "The camera is away, so there is no picture to take.",
  privacy_on: "Privacy is on: no picture is made, kept or shown.",
  no_space: "The disk is full. Delete pictures, or give them more room in the settings.",
  timeout: "The camera took too long. Try again.",
  unanswered: null, // says itself what happened
};

/** Returns the sentence for a reply {ok, code, message, data} to a command. */
export function wordsOf(verb, reply) {
  if (reply.ok) return DONE[verb]?.(reply) ?? plain(reply.message);
  return REFUSED[reply.code] ?? plain(reply.message);
}

/** Returns a reply's text as a sentence. */
export function plain(message) {
  const text = String(message).replace(/^ERROR: /, "");
  return text === "NOT_SAVED" ? "It could not be saved." : text.charAt(0).toUpperCase() + text.slice(1);
}
