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

const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

export const clockTime = (time) => CLOCK.format(new Date(time));

const CLOCK_SHORT = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });

export const clock = (time) => CLOCK_SHORT.format(new Date(time));
