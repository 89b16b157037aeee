// Elements, and times as people read them.

export const byId = (id) => document.getElementById(id);

/** Returns a new element; children may be texts. Properties are set, not attributes: nothing here is parsed as HTML. */
export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** Returns a button. One with `ariaDisabled` does nothing, but keeps the focus. */
export function button(words, pressed, properties = {}) {
  const made = element("button", { type: "button", className: "plain", ...properties }, words);
  made.addEventListener("click", (event) => made.ariaDisabled === "true" || pressed(event));
  return made;
}

/** Calls `open` instead of following a link, unless a key is held that opens a tab or window of its own. */
export function openHere(link, open) {
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open();
  });
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
