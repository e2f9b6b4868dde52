/** The course of a dream below the screen: pictures of each branch, and a chart of each decision's numbers. */

import { Chart, decisionAt, redrawn, sized } from "./charts.js";
import { byId, make } from "./elements.js";
import { drawFrame } from "./pictures.js";

const THUMB = 44;
const ROW = THUMB + 4;
const FAINT = 0.4; // opacity of the branches that are not dreamed now
const LEAST = 30; // decisions that the strip is long, at least

export class Timeline {
  /** `onGo` is called with a decision, and with the number of a branch. */
  constructor(facts, dream, onGo) {
    Object.assign(this, { facts, dream, onGo, small: document.createElement("canvas") });
    byId("dream-time").oninput = (event) => onGo(Number(event.target.value));
    byId("dream-chart").onclick = (event) => onGo(decisionAt(event, this.length));
    byId("dream-strip").onclick = (event) => {
      const row = Math.floor(event.offsetY / ROW);
      onGo(decisionAt(event, this.length), Math.min(row, dream.branches.length - 1));
    };
    for (const id of ["dream-strip", "dream-chart"]) {
      byId(id).onpointerdown = (event) => event.preventDefault(); // the screen keeps the keys
    }
    redrawn(byId("dream-strip").parentElement, () => this.draw());
  }

  /** Decisions from the left edge to the right one. */
  get length() {
    return Math.max(LEAST, ...this.dream.branches.map((course) => course.length - 1));
  }

  draw() {
    const { now, at, branches, branch } = this.dream;
    if (!now) return;
    const time = byId("dream-time");
    time.max = this.length;
    time.value = at;
    const { context, width } = sized(byId("dream-strip"), branches.length * ROW);
    branches.forEach((course, row) => {
      context.globalAlpha = row === branch ? 1 : FAINT;
      this.pictures(context, width, course, row * ROW + 2);
    });
    this.buttons();
    this.chart();
  }

  /** Draw what a branch has of its own, and all of the present one. */
  pictures(context, width, course, top) {
    const present = this.dream.course;
    const places = Math.max(1, Math.floor(width / ROW));
    for (let place = 0; place < places; place++) {
      const middle = (place + 0.5) / places;
      const decision = Math.round(middle * this.length);
      const moment = course[decision];
      const isShared = course !== present && moment === present[decision];
      if (moment && !isShared) this.picture(context, moment, middle * width - THUMB / 2, top);
    }
  }

  picture(context, moment, left, top) {
    drawFrame(this.small, moment.levels, this.facts);
    const height = Math.min((THUMB * this.facts.height) / this.facts.width, THUMB);
    context.drawImage(this.small, left, top + (THUMB - height) / 2, THUMB, height);
  }

  /** One button for each branch, so that the keyboard reaches them too. */
  buttons() {
    const { branches, branch } = this.dream;
    const element = byId("dream-branches");
    element.hidden = branches.length === 1;
    while (element.children.length > branches.length) element.lastChild.remove();
    while (element.children.length < branches.length) {
      const row = element.children.length;
      element.append(make("button", {
        onclick: () => this.onGo(this.dream.at, row),
      }, `branch ${row + 1}`));
    }
    [...element.children].forEach((button, row) => button.setAttribute("aria-pressed", row === branch));
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
