/** Buttons and pads by which one acts on a touch screen, and which show how an agent acts. */

import { SIGNS } from "./actions.js";
import { make, percent } from "./elements.js";
import { Presses } from "./presses.js";

/** One button for each choice; one that is held down acts. */
export class ChoiceControls {
  constructor(actions, onPress) {
    Object.assign(this, { actions, presses: new Presses() });
    this.buttons = actions.names.map((name, choice) => this.button(name, choice, onPress));
    for (const end of ["pointerup", "pointercancel"]) {
      window.addEventListener(end, (event) => this.presses.end(event.pointerId));
    }
    window.addEventListener("blur", () => this.presses.clear());
    this.element = make("div", { class: "acts" }, ...this.buttons);
  }

  button(name, choice, onPress) {
    const keys = [...(this.actions.keys[choice] ?? [])].map((key) => SIGNS[key] ?? key);
    const hint = keys.length ? keys.join("") : choice < 10 ? `${choice}` : "";
    const button = make("button", { class: "act" },
      make("span", { class: "fill" }), make("span", { class: "word" }, name), make("kbd", {}, hint));
    button.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      this.presses.begin(event.pointerId, [choice]);
      onPress();
    });
    button.addEventListener("contextmenu", (event) => event.preventDefault()); // a finger that stays asks for it
    button.addEventListener("click", (event) => event.detail === 0 && onPress([choice])); // by the keyboard
    return button;
  }

  /** Return the choice of the newest press; null if there is none. */
  take() {
    return this.presses.take().at(-1) ?? null;
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
    Object.assign(this, { actions, presses: new Presses() });
    this.isFlat = actions.low.length === 1;
    this.dot = make("i", { class: "dot" });
    this.spread = make("i", { class: "spread" });
    this.pad = make("div", { class: this.isFlat ? "pad flat" : "pad" }, this.spread, this.dot);
    this.pad.addEventListener("pointerdown", (event) => {
      this.pad.setPointerCapture(event.pointerId);
      this.presses.begin(event.pointerId, this.actionAt(event));
      onPress();
    });
    this.pad.addEventListener("pointermove", (event) => this.presses.change(event.pointerId, this.actionAt(event)));
    for (const end of ["pointerup", "pointercancel"]) {
      this.pad.addEventListener(end, (event) => this.presses.end(event.pointerId));
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
    return { input, row: make("label", { class: "setting" }, make("span", {}, name), input) };
  }

  /** The action that a place of the pad means, with the sliders' numbers for further axes. */
  actionAt(event) {
    const box = this.pad.getBoundingClientRect();
    const { low, high, idle } = this.actions;
    const shares = [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height];
    return idle.map((_, axis) => {
      if (axis >= 2) return Number(this.others[axis - 2].input.value);
      return low[axis] + Math.min(Math.max(shares[axis], 0), 1) * (high[axis] - low[axis]);
    });
  }

  /** Return the action of the newest press; null if there is none. */
  take() {
    return this.presses.take().at(-1) ?? null;
  }

  show(action, decision) {
    this.words.textContent = action ? this.actions.describe(action) : "";
    const [x, y] = [0, 1].map((axis) => (action && axis in action ? this.share(action[axis], axis) : 0.5));
    Object.assign(this.dot.style, { left: `${100 * x}%`, top: `${100 * (1 - y)}%` });
    this.spread.hidden = !decision?.deviation;
    if (!this.spread.hidden) this.showSpread(decision);
  }

  /** Show an ellipse about the mean, one deviation to each side. */
  showSpread({ mean, deviation }) {
    const [wide, tall] = [0, 1].map((axis) => this.width(deviation[axis] ?? 0, axis));
    Object.assign(this.spread.style, {
      left: `${100 * this.share(mean[0], 0)}%`,
      top: `${this.isFlat ? 50 : 100 * (1 - this.share(mean[1], 1))}%`,
      width: `${200 * wide}%`, height: this.isFlat ? "60%" : `${200 * tall}%`,
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
