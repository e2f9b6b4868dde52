/** A recorded episode, and a dream of it under the recorded actions. */

import { takeAsset } from "./assets.js";
import { Random } from "./random.js";

export class Twin {
  constructor(facts, parts, arrays) {
    Object.assign(this, { facts, ...parts, ...arrays });
    this.length = this.rewards.shape[0];
  }

  static async load(facts, parts) {
    const names = ["frames", "codes", "actions", "rewards"];
    const arrays = await Promise.all(names.map((name) => takeAsset(`${facts.asset}-${name}`)));
    return new Twin(facts, parts, Object.fromEntries(names.map((name, at) => [name, arrays[at]])));
  }

  /** The real code after so many decisions. */
  real(decision) {
    return this.codes.row(this.facts.before + decision);
  }

  /** Dream all of it: codes, rewards, where it would have ended, and the errors of each decision. */
  async dream(seed, temperature) {
    const { before } = this.facts;
    const rows = Array.from({ length: before + this.length }, (_, step) => [...this.actions.row(step)]);
    const past = Array.from({ length: before + 1 }, (_, step) => this.codes.row(step));
    let { memory, code } = (await this.dynamics.observe(past, rows.slice(0, before), this.actionSpace)).at(-1);
    const member = new Random(seed, -1).below(this.dynamics.facts.members);
    const dreamed = { codes: [code], rewards: [], end: null, errors: [0], standstill: [0] };
    for (let step = 0; step < this.length; step++) {
      const noise = new Random(seed, step);
      const after = await this.dynamics.predict(memory, code, this.actionSpace.encode(rows[before + step]));
      code = this.dynamics.drawn(code, after.members[member], temperature, noise);
      memory = after.memory;
      dreamed.codes.push(code);
      dreamed.rewards.push(after.members[member].reward);
      if (dreamed.end === null && noise.uniform() < after.members[member].endProbability) dreamed.end = step + 1;
      dreamed.errors.push(squaredError(code, this.real(step + 1)));
      dreamed.standstill.push(squaredError(this.real(0), this.real(step + 1)));
    }
    return dreamed;
  }
}

const squaredError = (first, second) =>
  first.reduce((sum, value, d) => sum + (value - second[d]) ** 2, 0) / first.length;
