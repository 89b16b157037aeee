// What became of a command, in words for people. The reply's own text is for scripts that match it.

const DONE = {
  save: () => "Saved.",
  pastStack: ({ data }) => {
    const count = data.frames_used ?? data.count;
    return count > 1 ? `Saved: ${count} pictures made into one.` : "Saved.";
  },
  keep: ({ data }) => (data.kept ? "Kept: it is not deleted to make room." : "May be deleted again to make room."),
  delete: () => "Deleted.",
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
