/** Buttons and pads by which one acts on a touch screen, and which show how an agent acts. */

import { SIGNS } from "./actions.js";
import { make, percent } from "./elements.js";

/** One button for each choice; one that is held down acts. */
export class ChoiceControls {
  constructor(actions, onPress) {
    this.actions = actions;
    this.held = null;
    this.buttons = actions.names.map((name, choice) => {
      const keys = [...(actions.keys[choice] ?? [])].map((key) => SIGNS[key] ?? key);
      const hint = keys.length ? keys.join("") : choice < 10 ? `${choice}` : "";
      const button = make("button", { class: "act" },
        make("span", { class: "fill" }), make("span", { class: "word" }, name), make("kbd", {}, hint));
      button.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        this.held = [choice];
        onPress();
      });
      button.addEventListener("click", (event) => event.detail === 0 && onPress([choice]));
      return button;
    });
    for (const end of ["pointerup", "pointercancel", "blur"]) {
      window.addEventListener(end, () => (this.held = null));
    }
    this.element = make("div", { class: "acts" }, ...this.buttons);
  }

  /** Show what is done, and how likely each choice was. */
  show(action, decision) {
    this.buttons.forEach((button, choice) => {
      button.classList.toggle("on", action !== null && action[0] === choice);
      const share = decision?.probabilities?.[choice] ?? 0;
      button.firstChild.style.width = `${100 * share}%`;
      button.title = decision?.probabilities ? percent(share) : "";
    });
  }
}

/** A pad of two axes, and a slider for each further one. */
export class NumberControls {
  constructor(actions, onPress) {
    Object.assign(this, { actions, held: null });
    this.isFlat = actions.low.length === 1;
    this.dot = make("i", { class: "dot" });
    this.spread = make("i", { class: "spread" });
    this.pad = make("div", { class: this.isFlat ? "pad flat" : "pad" }, this.spread, this.dot);
    this.pad.addEventListener("pointerdown", (event) => {
      this.pad.setPointerCapture(event.pointerId);
      this.hold(event);
      onPress();
    });
    this.pad.addEventListener("pointermove", (event) => this.held && this.hold(event));
    for (const end of ["pointerup", "pointercancel"]) {
      this.pad.addEventListener(end, () => (this.held = null));
    }
    this.words = make("p", { class: "remark" });
    this.others = actions.names.slice(2).map((name, place) => this.slider(name, place + 2));
    const words = this.isFlat ? `← ${actions.names[0]} →` : `← ${actions.names[0]} →, ↓ ${actions.names[1]} ↑`;
    this.element = make("div", { class: "pads" }, this.pad,
      make("div", {}, make("p", {}, words), this.words, ...this.others.map(({ row }) => row)));
  }

  slider(name, axis) {
    const { low, high, idle } = this.actions;
    const input = make("input", {
      type: "range", min: low[axis], max: high[axis], step: (high[axis] - low[axis]) / 200, value: idle[axis],
    });
    return { input, axis, row: make("label", { class: "setting" }, make("span", {}, name), input) };
  }

  hold(event) {
    const box = this.pad.getBoundingClientRect();
    const { low, high } = this.actions;
    const share = [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height];
    this.held = this.actions.idle.map((idle, axis) => {
      const other = this.others.find((one) => one.axis === axis);
      if (other) return Number(other.input.value);
      const place = Math.min(Math.max(share[axis] ?? 0.5, 0), 1);
      return axis < 2 ? low[axis] + place * (high[axis] - low[axis]) : idle;
    });
  }

  show(action, decision) {
    this.words.textContent = action ? this.actions.describe(action) : "";
    const [x, y] = [0, 1].map((axis) => (action && axis in action ? this.share(action[axis], axis) : 0.5));
    Object.assign(this.dot.style, { left: `${100 * x}%`, top: `${100 * (1 - y)}%` });
    const means = decision?.mean;
    this.spread.hidden = !decision?.deviation;
    if (!means || !decision.deviation) return;
    const wide = [0, 1].map((axis) => this.width(decision.deviation[axis] ?? 0, axis));
    Object.assign(this.spread.style, {
      left: `${100 * this.share(means[0], 0)}%`,
      top: `${this.isFlat ? 50 : 100 * (1 - this.share(means[1], 1))}%`,
      width: `${200 * wide[0]}%`, height: this.isFlat ? "60%" : `${200 * wide[1]}%`,
    });
  }

  share(value, axis) {
    const { low, high } = this.actions;
    return Math.min(Math.max((value - low[axis]) / (high[axis] - low[axis] || 1), 0), 1);
  }

  width(deviation, axis) {
    const { low, high } = this.actions;
    return Math.min(deviation / (high[axis] - low[axis] || 1), 1);
  }
}
