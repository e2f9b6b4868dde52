/** M: what the next decision may lead to. */

import { decimalsOf } from "./elements.js";
import { Network, floats } from "./runtime.js";
import { drawChange, drawPlace } from "./sampling.js";

export class Dynamics {
  constructor(facts, network) {
    Object.assign(this, { facts, network });
    this.keyCount = facts.keys.reduce((sum, key) => sum + key.mean.length, 0);
    this.codeSize = facts.latents + this.keyCount;
    this.low = facts.keys.flatMap((key) => key.low);
    this.high = facts.keys.flatMap((key) => key.high);
    this.rewardDecimals = Math.max(2, decimalsOf(facts.usual_reward));
  }

  static async load(facts) {
    return new Dynamics(facts, await Network.load("dream"));
  }

  /** The memory (K, C) of what has seen nothing. */
  initial() {
    return new Float32Array(this.facts.members * this.facts.carried);
  }

  /** Return the memory after an encoded action, and what each member predicts of it. */
  async predict(memory, code, action) {
    const { members, carried } = this.facts;
    const out = await this.network.run({
      memory: floats(memory, 1, members, carried),
      code: floats(code, 1, this.codeSize),
      action: floats(action, 1, action.length),
    });
    return {
      memory: out.next_memory.data.slice(),
      disagreement: out.disagreement.data[0],
      members: Array.from({ length: members }, (_, member) => memberOf(out, member)),
    };
  }

  /** Observe codes and the actions between them; return {memory, code, action} of each moment. */
  async observe(codes, taken, actions) {
    const past = [{ memory: this.initial(), code: codes[0], action: null }];
    for (let step = 0; step < taken.length; step++) {
      const { memory, code } = past.at(-1);
      const after = await this.predict(memory, code, actions.encode(taken[step]));
      past.push({ memory: after.memory, code: codes[step + 1], action: taken[step] });
    }
    return past;
  }

  /** Return the code after a change; keys stay within what training has seen of them. */
  moved(code, change) {
    const { low, high } = this;
    const { latents } = this.facts;
    return code.map((value, d) => {
      const after = value + change[d];
      return d < latents ? after : Math.min(Math.max(after, low[d - latents]), high[d - latents]);
    });
  }

  /** Draw the code that a decision leads to; one number of each choice is on. */
  drawn(code, prediction, temperature, noise) {
    const after = this.moved(code, drawChange(prediction, temperature, noise));
    let first = 0;
    for (const { is_choice: isChoice, mean } of this.facts.keys) {
      if (isChoice) this.choose(after, code, prediction, first, mean.length, noise);
      first += mean.length;
    }
    return after;
  }

  /** Draw one of `count` keys from the `first` on to be on, by how probable each is to be that. */
  choose(after, code, { keyLogWeights, keyValues }, first, count, noise) {
    const { low, high, facts: { latents } } = this;
    const places = Array.from({ length: count }, (_, place) => first + place);
    const isOn = (x, value) => high[x] > low[x] && value > (low[x] + high[x]) / 2;
    const chances = places.map((x) => keyLogWeights[x].reduce(
      (sum, weight, k) => sum + (isOn(x, code[latents + x] + keyValues[x][k]) ? Math.exp(weight) : 0),
      isOn(x, code[latents + x]) ? 1e-9 : 0)); // where no change is known, it stays
    drawPlace(chances, noise).forEach((on, place) => {
      const x = first + place;
      after[latents + x] = low[x] + on * (high[x] - low[x]);
    });
  }

  /** Return the keys beside the frame, in their own units. */
  keysOf(code) {
    let first = this.facts.latents;
    return this.facts.keys.map(({ name, mean, std }) => {
      const values = mean.map((_, place) => code[first + place] * std[place] + mean[place]);
      first += mean.length;
      return { name, values };
    });
  }
}

/** What one member predicts, as lists: a row for each latent or key, a column for each component. */
function memberOf(out, member) {
  return {
    logWeights: rowsOf(out.log_weights, member),
    means: rowsOf(out.means, member),
    deviations: rowsOf(out.deviations, member),
    keyLogWeights: rowsOf(out.key_log_weights, member),
    keyValues: rowsOf(out.key_values, member),
    reward: out.reward.data[member],
    endProbability: out.end_probability.data[member],
  };
}

/** The rows (D, J) of one member of a tensor (1, K, D, J); none if there is no such tensor. */
function rowsOf(tensor, member) {
  if (!tensor) return [];
  const [, , rows, columns] = tensor.dims;
  return Array.from({ length: rows }, (_, row) => {
    const from = (member * rows + row) * columns;
    return Array.from(tensor.data.subarray(from, from + columns));
  });
}
