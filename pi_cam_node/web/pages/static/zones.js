// Zones and ignored areas as polygons: [[x, y], …] relative to the picture, from 0 to 1. The texts are those of the
// settings `motion.zones` ("door=0.1,0.2 0.5,0.2 0.5,0.9") and `motion.ignore` ("0.1,0.2 0.5,0.2 0.5,0.9").

import { _ } from "./translate.js";

const POINTS_MIN = 3;
const POINTS_MAX = 32;
const NAME = /^[a-z0-9_-]{1,32}$/;

/** Returns {name, points} of a text; `name` is null for an ignored area. */
export function areaOf(text) {
  const equals = text.indexOf("=");
  const points = text.slice(equals + 1).trim().split(/\s+/).map((word) => word.split(",").map(Number));
  return { name: equals < 0 ? null : text.slice(0, equals), points };
}

/** Returns the text of an area. */
export function textOf({ name, points }) {
  const polygon = points.map(([x, y]) => `${short(x)},${short(y)}`).join(" ");
  return name === null ? polygon : `${name}=${polygon}`;
}

/** Returns the name as the node takes it: "Front Door" becomes "front_door". */
export const nameFrom = (typed) => typed.trim().toLowerCase().replace(/[^a-z0-9_-]+/g, "_").slice(0, 32);

/** Returns why the zones cannot be saved, empty where they can. */
export function faultOf(areas) {
  const names = areas.filter(({ name }) => name !== null).map(({ name }) => name);
  if (names.some((name) => !NAME.test(name))) return _("Each zone needs a name of letters, digits, _ or -.");
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  return twice ? _("Two zones have the name {name}.", { name: twice }) : "";
}

/** Returns a name that no area has yet: "zone_2". */
export function freeName(areas) {
  for (let number = 1; ; number++) if (!areas.some(({ name }) => name === `zone_${number}`)) return `zone_${number}`;
}

/** Returns a rectangle in the middle, a little aside of those before it. */
export function newPoints(count) {
  const aside = (count % 5) * 0.04;
  return [[0.3, 0.3], [0.7, 0.3], [0.7, 0.7], [0.3, 0.7]].map(([x, y]) => [x + aside, y + aside]);
}

const inside = (value) => Math.min(1, Math.max(0, value));

/** Returns the points with one of them moved; none leaves the picture. */
export const withPoint = (points, at, [x, y]) => points.map((point, one) => (one === at ? [inside(x), inside(y)] : point));

/** Returns the points moved together, as far as the picture reaches. */
export function shifted(points, [dx, dy]) {
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const within = (delta, values) => Math.min(1 - Math.max(...values), Math.max(-Math.min(...values), delta));
  const [x, y] = [within(dx, xs), within(dy, ys)];
  return points.map(([px, py]) => [px + x, py + y]);
}

/** Returns the middle between a corner and the next one. */
export function middleAfter(points, at) {
  const [[x1, y1], [x2, y2]] = [points[at], points[(at + 1) % points.length]];
  return [(x1 + x2) / 2, (y1 + y2) / 2];
}

/** Returns the points with a new corner after another; the same where there are too many. */
export const withCorner = (points, at, point = middleAfter(points, at)) => (points.length < POINTS_MAX ? points.toSpliced(at + 1, 0, point) : points);

/** Returns the points without a corner; the same where no polygon would be left. */
export const withoutCorner = (points, at) => (points.length > POINTS_MIN ? points.toSpliced(at, 1) : points);

const short = (number) => String(Number(inside(number).toFixed(3)));
