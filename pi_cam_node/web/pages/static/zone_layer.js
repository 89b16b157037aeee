// Areas drawn over a picture, with a handle for each corner of the chosen one: dragged by mouse or finger, moved by keys.

import { element } from "./dom.js";
import { _ } from "./translate.js";
import { middleAfter, shifted, withCorner, withPoint, withoutCorner } from "./zones.js";

const SVG = "http://www.w3.org/2000/svg";
const STEP = 0.01;
const LARGE_STEP = 0.05;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class ZoneLayer {
  /** `figure` holds the picture (an <img> or <canvas>) that `picture()` returns; `change(points)` and `choose(number)`
   * are called with what a person did to the chosen area. `hint` is the id of the text that says which keys there are.
   */
  constructor(figure, picture, { change, choose, hint }) {
    Object.assign(this, { figure, picture, change, choose, hint });
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("viewBox", "0 0 1 1");
    this.svg.setAttribute("preserveAspectRatio", "none");
    this.svg.setAttribute("aria-hidden", "true");
    this.names = element("div", { className: "zone-names", ariaHidden: "true" });
    this.handles = element("div", { className: "zone-handles", role: "group", ariaLabel: _("Corners") });
    this.element = element("div", { className: "zone-layer" }, this.svg, this.names, this.handles);
    this.element.addEventListener("pointerdown", (event) => this.take(event));
    this.element.addEventListener("pointermove", (event) => this.drag(event));
    for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) this.element.addEventListener(kind, (event) => this.isHeldBy(event) && (this.held = null));
    this.element.addEventListener("keydown", (event) => this.key(event));
    this.observer = new ResizeObserver(() => this.place());
    this.placed = () => this.place();
  }

  open() {
    this.figure.append(this.element);
    this.observer.observe(this.figure);
    this.picture().addEventListener("load", this.placed);
    this.place();
  }

  close() {
    this.observer.disconnect();
    this.picture().removeEventListener("load", this.placed);
    this.element.remove();
    this.held = null;
  }

  /** Lies exactly over the pixels: the picture may be narrower than its element. */
  place() {
    const picture = this.picture();
    const [outer, around] = [picture.getBoundingClientRect(), this.figure.getBoundingClientRect()];
    const [width, height] = [picture.naturalWidth || picture.width || 4, picture.naturalHeight || picture.height || 3];
    const scale = Math.min(outer.width / width, outer.height / height);
    const box = { width: width * scale, height: height * scale };
    const style = this.element.style;
    style.left = `${outer.left - around.left + (outer.width - box.width) / 2}px`;
    style.top = `${outer.top - around.top + (outer.height - box.height) / 2}px`;
    style.width = `${box.width}px`;
    style.height = `${box.height}px`;
  }

  /** Draws all areas {name, points}; `chosen` is the number of the one that has handles, -1 for none. */
  draw(areas, chosen) {
    const focused = document.activeElement?.dataset.corner;
    this.points = areas[chosen]?.points ?? [];
    this.svg.replaceChildren(...areas.map((area, number) => polygonOf(area, number, number === chosen)));
    this.names.replaceChildren(...areas.filter(({ name }) => name !== null).map(({ name, points }) => at(points.reduce((low, one) => (one[1] < low[1] ? one : low)), element("span", {}, name))));
    const corners = this.points.map((point, number) => this.corner(point, number, areas[chosen].name ?? _("the ignored area")));
    const middles = this.points.map((_point, number) => {
      const made = at(middleAfter(this.points, number), element("button", { type: "button", className: "middle", tabIndex: -1, ariaHidden: "true" }));
      made.dataset.middle = number;
      return made;
    });
    this.handles.replaceChildren(...middles, ...corners);
    if (focused !== undefined) corners[Math.min(Number(focused), corners.length - 1)]?.focus();
  }

  corner(point, number, name) {
    const [x, y] = point.map((share) => Math.round(share * 100));
    const made = at(point, element("button", { type: "button", className: "corner", ariaLabel: _("Corner {number} of {name}: {x} % from the left, {y} % from the top", { number: number + 1, name, x, y }) }));
    made.setAttribute("aria-describedby", this.hint);
    made.dataset.corner = number;
    return made;
  }

  take(event) {
    if (event.button || this.held) return; // a second finger, or the palm
    const { corner, middle, area } = event.target.dataset;
    if (corner === undefined && middle === undefined && area === undefined) return;
    event.preventDefault();
    this.element.setPointerCapture(event.pointerId);
    if (area !== undefined) this.choose(Number(area));
    this.held = { pointer: event.pointerId, corner: Number(corner ?? Number(middle) + 1), whole: area !== undefined, from: this.where(event) };
    if (middle !== undefined) this.change(withCorner(this.points, Number(middle)));
    if (area === undefined) this.focus(this.held.corner);
  }

  drag(event) {
    if (!this.isHeldBy(event)) return;
    const here = this.where(event);
    const [dx, dy] = [here[0] - this.held.from[0], here[1] - this.held.from[1]];
    this.held.from = here;
    this.change(this.held.whole ? shifted(this.points, [dx, dy]) : withPoint(this.points, this.held.corner, here));
  }

  isHeldBy(event) {
    return this.held?.pointer === event.pointerId;
  }

  key(event) {
    if (event.target.dataset.corner === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    const number = Number(event.target.dataset.corner);
    const arrow = ARROWS[event.key];
    if (arrow) {
      const step = event.shiftKey ? LARGE_STEP : STEP;
      const [x, y] = this.points[number];
      this.change(withPoint(this.points, number, [x + arrow[0] * step, y + arrow[1] * step]));
    } else if (event.key === "Enter" || event.key === "+") {
      this.change(withCorner(this.points, number));
      this.focus(Math.min(number + 1, this.points.length - 1));
    } else if (event.key === "Delete" || event.key === "Backspace") this.change(withoutCorner(this.points, number));
    else return;
    event.preventDefault();
  }

  focus(number) {
    this.handles.querySelector(`[data-corner="${number}"]`)?.focus();
  }

  where({ clientX, clientY }) {
    const { left, top, width, height } = this.element.getBoundingClientRect();
    return [(clientX - left) / width, (clientY - top) / height];
  }
}

function at([x, y], made) {
  made.style.left = `${x * 100}%`;
  made.style.top = `${y * 100}%`;
  return made;
}

function polygonOf({ name, points }, number, isChosen) {
  const made = document.createElementNS(SVG, "polygon");
  made.setAttribute("points", points.map((point) => point.join()).join(" "));
  made.setAttribute("class", `${name === null ? "ignored" : "zone"}${isChosen ? " chosen" : ""}`);
  made.dataset.area = number;
  return made;
}
