// The right control for each kind of setting: {element, labelled, put(value), get()}.

import { element } from "./dom.js";
import { scaleOf, short } from "./units.js";

/** Returns the control of a setting. `get` throws a sentence where nothing sensible was typed. */
export function controlOf(setting, id) {
  const make = { bool: onOff, int: number, float: number, choice, list }[setting.type] ?? text;
  return make(setting, id);
}

function onOff(_setting, id) {
  const box = element("input", { id, type: "checkbox", className: "switch" });
  box.setAttribute("role", "switch");
  return { element: box, put: (value) => (box.checked = Boolean(value)), get: () => box.checked };
}

function number(setting, id) {
  const { factor } = scaleOf(setting);
  const field = element("input", { id, type: "number", inputMode: "decimal", step: setting.step ?? "any" });
  const whole = setting.type === "int";
  if (whole && factor === 1) field.step = setting.step ?? 1;
  if (typeof setting.minimum === "number") field.min = setting.minimum / factor;
  if (typeof setting.maximum === "number") field.max = setting.maximum / factor;
  return {
    element: field,
    put: (value) => (field.value = value === null ? "" : short(value / factor)),
    get: () => {
      if (field.value === "" || !Number.isFinite(field.valueAsNumber)) throw new Error("A number is needed.");
      // The typed number in bytes or microseconds is whole again only after rounding: 1.1 * 1000 is not 1100.
      return factor === 1 ? field.valueAsNumber : Math.round(field.valueAsNumber * factor);
    },
  };
}

function choice(setting, id) {
  const field = element("select", { id }, ...setting.choices.map((name) => element("option", { value: name }, name)));
  return { element: field, put: (value) => (field.value = value), get: () => field.value };
}

function list(setting, id) {
  if (!setting.choices?.length) {
    const plain = text(setting, id);
    const names = () => plain.get().split(/[\s,]+/).filter(Boolean);
    return { ...plain, put: (value) => plain.put((value ?? []).join(", ")), get: names };
  }
  const boxes = setting.choices.map((name) => element("input", { type: "checkbox", value: name }));
  const group = element("fieldset", { id }, ...boxes.map((box) => element("label", {}, box, box.value)));
  return {
    element: group,
    put: (value) => boxes.forEach((box) => (box.checked = value.includes(box.value))),
    get: () => boxes.filter((box) => box.checked).map((box) => box.value),
  };
}

function text(_setting, id) {
  const field = element("input", { id, type: "text", spellcheck: false, autocapitalize: "none" });
  return { element: field, put: (value) => (field.value = value ?? ""), get: () => field.value };
}
