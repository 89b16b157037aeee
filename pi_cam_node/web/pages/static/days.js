// Days as the reader has them: of the reader's time zone, from midnight to midnight; named as an <input type="date"> has them.

import { _ } from "./translate.js";

const LONG = { weekday: "long", day: "numeric", month: "long" };
const DAY = new Intl.DateTimeFormat(undefined, LONG);
const DAY_OF_ANOTHER_YEAR = new Intl.DateTimeFormat(undefined, { ...LONG, year: "numeric" });

/** Returns the day of a time: "2026-11-29". */
export function dayOf(time) {
  const date = new Date(time);
  const two = (number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** Returns the day that lies `count` days after another. */
export function dayAfter(day, count = 1) {
  const [year, month, date] = day.split("-").map(Number);
  return dayOf(new Date(year, month - 1, date + count));
}

/** Returns the ISO times {from, to} of a day; `to` is the midnight after it. A day may have 23 or 25 hours. */
export function boundsOf(day) {
  const midnight = (one) => {
    const [year, month, date] = one.split("-").map(Number);
    return new Date(year, month - 1, date).toISOString();
  };
  return { from: midnight(day), to: midnight(dayAfter(day)) };
}

/** Returns a day in words: "Today", "Yesterday", "Friday, November 27". */
export function nameOf(day, now = new Date()) {
  const today = dayOf(now);
  if (day === today) return _("Today");
  if (day === dayAfter(today, -1)) return _("Yesterday");
  const [year, month, date] = day.split("-").map(Number);
  return (year === now.getFullYear() ? DAY : DAY_OF_ANOTHER_YEAR).format(new Date(year, month - 1, date));
}

/** Returns [[day, rows], …] of rows in their order. */
export function byDay(rows, timeOf) {
  const days = new Map();
  for (const row of rows) {
    const day = dayOf(timeOf(row));
    days.set(day, [...(days.get(day) ?? []), row]);
  }
  return [...days];
}
