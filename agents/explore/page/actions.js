/** Actions of policies: a list of one choice, or of a number for each axis. */

import { decimalsOf, fixed } from "./elements.js";

const WORDS = {
  LEFT: "ArrowLeft", RIGHT: "ArrowRight", UP: "ArrowUp", FORWARD: "ArrowUp", GAS: "ArrowUp",
  DOWN: "ArrowDown", BACKWARD: "ArrowDown", BRAKE: "ArrowDown",
  FIRE: " ", ATTACK: " ", SHOOT: " ", JUMP: " ", TOGGLE: " ", USE: " ",
};
const IDLE = /^(NOOP|NOTHING|NONE|STAY|STILL|IDLE|WAIT|DONE|NO[_ ]?OP|DO[_ ]NOTHING)$/i;
const LETTERS = { w: "ArrowUp", a: "ArrowLeft", s: "ArrowDown", d: "ArrowRight" };
export const SIGNS = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", " ": "space" };

/** The name of a key as actions know it. */
export const keyOf = (event) => LETTERS[event.key.toLowerCase()] ?? event.key;

const KNOWN = [...Object.keys(WORDS), "MOVE", "TURN", "GO"].join("|"); // the last three stand for no key
const EACH_KNOWN = new RegExp(KNOWN, "g");
const ALL_KNOWN = new RegExp(`^(${KNOWN})+$`);

/**
 * The keys that an action's name stands for: UPFIRE is the upper arrow and the space bar.
 * Words of a name may be joined, but only to others that are known: there is no UP in "pickup".
 */
export function keysOfName(name) {
  const words = name.replace(/([a-z])([A-Z])/g, "$1 $2").toUpperCase().split(/[^A-Z]+/);
  const known = words.filter((word) => ALL_KNOWN.test(word)).flatMap((word) => word.match(EACH_KNOWN));
  return new Set(known.map((word) => WORDS[word]).filter(Boolean));
}

export class ChoiceActions {
  constructor(facts) {
    this.count = facts.choices;
    this.names = Array.from({ length: this.count }, (_, choice) => facts.names[choice] ?? `action ${choice}`);
    this.keys = facts.names.map(keysOfName);
    const idle = facts.names.findIndex((name) => IDLE.test(name));
    this.idle = idle < 0 ? null : [idle];
    this.used = new Set(this.keys.flatMap((keys) => [...keys]));
  }

  /** Whether a key means something to a player. */
  takes(key) {
    return this.used.has(key) || this.digit(key) !== null;
  }

  digit(key) {
    return /^[0-9]$/.test(key) && Number(key) < this.count ? Number(key) : null;
  }

  /** The choice that keys ask for, the newest of which is the last; null if none. */
  ofKeys(pressed) {
    const digits = pressed.map((key) => this.digit(key)).filter((digit) => digit !== null);
    if (digits.length) return [digits.at(-1)];
    let best = null;
    let most = 0;
    this.keys.forEach((keys, choice) => {
      const places = [...keys].map((key) => pressed.indexOf(key));
      if (!keys.size || places.includes(-1)) return;
      const weight = keys.size * pressed.length + Math.max(...places); // of two as large, that of the newest key
      if (best === null || weight > most) [best, most] = [[choice], weight];
    });
    return best;
  }

  encode([choice]) {
    const vector = new Float32Array(this.count);
    vector[choice] = 1;
    return vector;
  }

  describe([choice]) {
    return this.names[choice];
  }
}

const RAMP = 0.35; // share of an axis that a held key goes in one decision
const WAYS = [["ArrowLeft", "ArrowRight"], ["ArrowDown", "ArrowUp"]]; // of the first axis, and of the second

/** The nearest whole number, of two the even one, as numpy and ONNX round. */
const roundedEven = (value) => {
  const up = Math.round(value) + 0; // no -0
  return up - value === 0.5 && up % 2 !== 0 ? up - 1 : up;
};

export class NumberActions {
  constructor(facts) {
    Object.assign(this, { low: facts.low, high: facts.high });
    this.taken = facts.whole ? roundedEven : (value) => value;
    const shares = facts.low.map((low, axis) => (facts.high[axis] - low) / 100);
    this.meanDecimals = shares.map((share) => Math.max(2, decimalsOf(share)));
    this.decimals = this.meanDecimals.map((decimals) => (facts.whole ? 0 : decimals));
    this.names = facts.low.map((_, axis) => facts.names[axis] ?? `axis ${axis}`);
    this.idle = facts.low.map((low, axis) => Math.min(Math.max(0, low), facts.high[axis]));
    this.last = [...this.idle];
    this.used = new Set(["ArrowLeft", "ArrowRight", ...(facts.low.length > 1 ? ["ArrowUp", "ArrowDown"] : [])]);
  }

  takes(key) {
    return this.used.has(key);
  }

  /** The numbers that keys ask for, of two ways of an axis the newest, which is the last; null if none. */
  ofKeys(pressed) {
    if (!pressed.some((key) => this.used.has(key))) {
      this.last = [...this.idle];
      return null;
    }
    this.last = this.idle.map((idle, axis) => {
      const [less, more] = (WAYS[axis] ?? []).map((key) => pressed.indexOf(key));
      const towards = less > more ? this.low[axis] : more > less ? this.high[axis] : idle;
      const step = RAMP * (this.high[axis] - this.low[axis]);
      return this.last[axis] + Math.min(Math.max(towards - this.last[axis], -step), step);
    });
    return [...this.last];
  }

  encode(action) {
    return Float32Array.from(action, (value, axis) => {
      const width = this.high[axis] > this.low[axis] ? this.high[axis] - this.low[axis] : 1;
      const taken = Math.min(Math.max(this.taken(value), this.low[axis]), this.high[axis]);
      return (2 * (taken - this.low[axis])) / width - 1;
    });
  }

  describe(action) {
    const words = action.map(
      (value, axis) => `${this.names[axis]} ${fixed(this.taken(value), this.decimals[axis])}`);
    return words.slice(0, 4).join(", ");
  }
}

export const makeActions = (facts) =>
  facts.kind === "discrete" ? new ChoiceActions(facts) : new NumberActions(facts);
