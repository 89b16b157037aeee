// Elements, and times as people read them.

export const byId = (id) => document.getElementById(id);

/** Returns a new element; children may be texts. Properties are set, not attributes: nothing here is parsed as HTML. */
export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** Says the outcome of something beside it: ok, refused or waiting. */
export function say(place, text, how = "ok") {
  place.className = `said ${how}`;
  place.textContent = text;
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

export const clockTime = (time) => CLOCK.format(new Date(time));

const CLOCK_SHORT = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

export const clock = (time) => CLOCK_SHORT.format(new Date(time));
