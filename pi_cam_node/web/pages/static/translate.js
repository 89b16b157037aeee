// Texts in the reader's language: `_` marks one and looks it up in the catalogue that the server of the page sends.
// Only texts in double quotes are marked: tools that collect them see those.

import catalogue from "./catalogue.js";

/** Returns a text; `{name}` in it becomes the value of that name. */
export const _ = (text, values = {}) => (catalogue[text] ?? text).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

/** Returns the text for a number of things: `{count}` in it becomes the number. */
export const _n = (count, one, many) => _(count === 1 ? one : many, { count });

/** Returns words as a list: "door and path". */
export const listOf = (words) => new Intl.ListFormat(document.documentElement.lang || "en", { type: "conjunction" }).format(words);
