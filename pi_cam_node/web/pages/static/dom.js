// Elements, and times as people read them.

export const byId = (id) => document.getElementById(id);

/** Returns a new element; children may be texts. Properties are set, not attributes: nothing here is parsed as HTML. */
export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** Returns a small picture, in whose place are words if it cannot be loaded. */
export function thumbnail(src, otherwise) {
  const image = element("img", { alt: "", loading: "lazy", width: 320, height: 240, src });
  image.addEventListener("error", () => image.replaceWith(element("span", { className: "no-picture" }, otherwise)));
  return image;
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
