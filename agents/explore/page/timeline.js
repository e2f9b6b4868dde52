/** The course of a dream below the screen: pictures, and a chart of each decision's numbers. */

import { Chart, sized } from "./charts.js";
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

  pictures() {
    const { course, abandoned } = this.dream;
    const canvas = byId("dream-strip");
    const { context, width } = sized(canvas, abandoned ? 2 * ROW : ROW);
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
    const { trust, members } = dynamics.facts;
    const chart = new Chart(byId("dream-chart"), 90, this.length);
    if (trust) chart.doubt(trust.horizon);
    const most = (values) => Math.max(...values.map(Math.abs), 1e-9);
    const rewards = course.map(({ reward }) => reward);
    chart.bars(rewards, most(rewards), "soft");
    chart.line(course.map(({ endProbability }) => endProbability), 1, "bad");
    const apart = course.map(({ disagreement }) => disagreement);
    if (members > 1) chart.line(apart, most(apart), "accent");
    chart.cursor(at);
  }
}
