// Words for people, of what the API tells by short names: kinds, causes, ends, and what became of a command. The
// reply's own text is for scripts that match it.

import { clockTime } from "./dom.js";
import { _, listOf } from "./translate.js";

export const MEDIA_KINDS = { single: _("Picture"), stack: _("From the past"), ring: _("From the past, one by one"), auto: _("Automatic"), event: _("Picture of an event"), recording: _("Film"), clip: _("Clip"), timelapse: _("Time lapse") };
export const EVENT_KINDS = { motion: _("Motion"), trigger: _("Trigger"), record: _("Recorded by hand") };
const FILMS = ["recording", "clip", "timelapse"];
const ENDED_BY = {
  camera_lost: _("It ended when the camera was lost."),
  privacy: _("Privacy ended it."),
  disabled: _("It ended when motion detection was switched off."),
  interrupted: _("It was cut off when the node stopped."),
};

export const isFilm = (kind) => FILMS.includes(kind);

/** Returns seconds as people say them: "7 s", "2 min 5 s", "1 h 3 min". */
export function spanOf(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return _("{seconds} s", { seconds: whole });
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours) return _("{hours} h {minutes} min", { hours, minutes });
  return whole % 60 ? _("{minutes} min {seconds} s", { minutes, seconds: whole % 60 }) : _("{minutes} min", { minutes });
}

/** Returns a number of bytes as people say it. */
export function sizeOf(bytes) {
  if (!bytes) return "";
  return bytes < 1 << 20 ? `${Math.max(1, Math.round(bytes / 1024))} KiB` : `${(bytes / (1 << 20)).toFixed(1)} MiB`;
}

/** Returns how long an event took, in words; of one that goes on, that it does; empty of what has no end. */
export function lengthOf({ at, ended_at: end }) {
  if (end === undefined) return "";
  if (!end) return _("still going on");
  const seconds = (Date.parse(end) - Date.parse(at)) / 1000;
  return seconds >= 0 ? spanOf(seconds) : ""; // the clock was put back meanwhile, or one of them is no time
}

/** Returns what happened, in a line: "Motion", "Trigger: doorbell". */
export function titleOf(event) {
  if (event.title) return event.title;
  const kind = EVENT_KINDS[event.kind] ?? event.kind;
  return event.kind === "trigger" && event.cause ? _("{kind}: {cause}", { kind, cause: event.cause }) : kind;
}

/** Returns sentences that say what moved and why it is there. */
export function reasonsOf(event) {
  const zones = event.zones ?? [];
  const moved = zones.length ? _("Something moved in {zones}.", { zones: listOf(zones) }) : "";
  const began = {
    motion: [moved || _("Something moved in the picture.")],
    trigger: [event.cause ? _("An outside sensor asked for it: {cause}.", event) : _("An outside sensor asked for it."), moved],
    record: [_("Somebody had it recorded."), moved],
  }[event.kind];
  const begins = () => clockTime(Date.parse(event.at) - event.pre_roll_s * 1000);
  const film = event.recording_id
    ? event.pre_roll_s > 0 && _("Its film begins {seconds} s before it, at {time}.", { seconds: event.pre_roll_s.toFixed(1), time: begins() })
    : event.kind in EVENT_KINDS && event.ended_at && _("It was not recorded.");
  return [began?.filter(Boolean).join(" "), film, event.ended_by && ENDED_BY[event.ended_by], event.detail].filter(Boolean);
}

const DONE = {
  save: () => _("Saved."),
  pastStack: ({ data }) => {
    const count = data.frames_used ?? data.count;
    return count > 1 ? _("Saved: {count} pictures made into one.", { count }) : _("Saved.");
  },
  keep: ({ data }) => (data.kept ? _("Kept: it is not deleted to make room.") : _("May be deleted again to make room.")),
  delete: () => _("Deleted."),
  set: () => _("Changed."),
  overwrite_config: ({ message }) => {
    const file = / to (.+)$/.exec(message)?.[1];
    return file ? _("Written to {file}.", { file }) : _("Written.");
  },
};

const REFUSED = {
  busy: _("The camera is busy with something else. Try again in a moment."),
  no_frames: _("The memory does not reach back to that moment."),
  camera_down: _("The camera is offline, so there is no picture to take."),
  privacy_on: _("Privacy is on: no picture is made, kept or shown."),
  no_space: _("The disk is full. Delete pictures, or give them more room in the settings."),
  timeout: _("The camera took too long. Try again."),
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
  return text === "NOT_SAVED" ? _("It could not be saved.") : text.charAt(0).toUpperCase() + text.slice(1);
}
