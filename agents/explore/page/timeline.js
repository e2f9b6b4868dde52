/** The course of a dream below the screen: pictures, and a chart of each decision's numbers. */

import { byId } from "./elements.js";
import { drawFrame } from "./pictures.js";

const THUMB = 44;
const ROW = THUMB + 4;

export class Timeline {
  constructor(facts, dream, onGo) {
    Object.assign(this, { facts, dream });
    this.small = document.createElement("canvas");
    byId("dream-time").oninput = (event) => onGo(Number(event.target.value));
    for (const id of ["dream-strip", "dream-chart"]) {
      byId(id).onclick = (event) => onGo(this.decisionAt(event));
    }
    new ResizeObserver(() => this.draw()).observe(byId("dream-strip").parentElement);
  }

  /** Decisions from the left edge to the right one. */
  get length() {
    const { course, abandoned } = this.dream;
    const other = abandoned ? abandoned.from + abandoned.moments.length : 0;
    return Math.max(course.length - 1, other, 30);
  }

  decisionAt(event) {
    const box = event.currentTarget.getBoundingClientRect();
    return Math.round(((event.clientX - box.left) / box.width) * this.length);
  }

  draw() {
    const { course, at, abandoned } = this.dream;
    if (!course.length) return;
    const time = byId("dream-time");
    time.max = this.length;
    time.value = at;
    byId("dream-other").hidden = !abandoned;
    this.pictures();
    this.chart();
  }

  sized(canvas, height) {
    const width = canvas.parentElement.clientWidth;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    canvas.style.height = `${height}px`;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.imageSmoothingEnabled = false;
    return { context, width };
  }

  pictures() {
    const { course, abandoned } = this.dream;
    const canvas = byId("dream-strip");
    const { context, width } = this.sized(canvas, abandoned ? 2 * ROW : ROW);
    const places = Math.max(1, Math.floor(width / ROW));
    for (let place = 0; place < places; place++) {
      const decision = Math.round(((place + 0.5) / places) * this.length);
      const left = ((place + 0.5) / places) * width - THUMB / 2;
      context.globalAlpha = 1;
      if (decision < course.length) this.picture(context, course[decision], left, 2);
      const other = abandoned?.moments[decision - abandoned.from - 1];
      context.globalAlpha = 0.45;
      if (other) this.picture(context, other, left, ROW + 2);
    }
  }

  picture(context, moment, left, top) {
    drawFrame(this.small, moment.levels, this.facts);
    const height = (THUMB * this.facts.height) / this.facts.width;
    context.drawImage(this.small, left, top + Math.max(0, (THUMB - height) / 2), THUMB, Math.min(height, THUMB));
  }

  chart() {
    const { course, at, dynamics } = this.dream;
    const height = 90;
    const { context, width } = this.sized(byId("dream-chart"), height);
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const x = (decision) => (decision / this.length) * (width - 2) + 1;
    const { trust, members } = dynamics.facts;
    if (trust && trust.horizon < this.length) {
      context.fillStyle = colour("bad");
      context.globalAlpha = 0.1;
      context.fillRect(x(trust.horizon), 0, width, height);
      context.globalAlpha = 1;
    }
    const most = Math.max(...course.map(({ reward }) => Math.abs(reward)), 1e-9);
    context.fillStyle = colour("soft");
    course.forEach(({ reward }, decision) => {
      const tall = (Math.abs(reward) / most) * (height / 2 - 4);
      context.fillRect(x(decision) - 1, reward > 0 ? height / 2 - tall : height / 2, 2, tall);
    });
    this.line(context, x, course.map(({ endProbability }) => 1 - endProbability), height, colour("bad"));
    if (members > 1) {
      const widest = Math.max(...course.map(({ disagreement }) => disagreement), 1e-9);
      const levels = course.map(({ disagreement }) => 1 - disagreement / widest);
      this.line(context, x, levels, height, colour("accent"));
    }
    context.fillStyle = colour("ink");
    context.fillRect(x(at) - 0.75, 0, 1.5, height);
  }

  line(context, x, levels, height, colour) {
    context.strokeStyle = colour;
    context.lineWidth = 1.5;
    context.beginPath();
    levels.forEach((level, decision) => context.lineTo(x(decision), 2 + level * (height - 4)));
    context.stroke();
  }
}
