/** A dream as a course of moments, from a real frame on; one may go back and act otherwise. */

import { arrayOf } from "./assets.js";
import { Random } from "./random.js";
import { drawChange } from "./sampling.js";

export const LONGEST = 2000; // decisions that are kept

export class Dream {
  /** `starts` are the codes before and at each real frame, and the actions between them. */
  constructor({ encoder, dynamics, actions, starts }) {
    Object.assign(this, { encoder, dynamics, actions, starts });
    this.temperature = dynamics.facts.temperature;
    this.course = []; // the start, and what followed from it
    this.at = 0;
    this.abandoned = null; // what was dreamed before another action was taken: {from, moments}
  }

  /** Begin at a real frame, after the real decisions before it. */
  async begin(start, seed) {
    Object.assign(this, { start, seed, at: 0, abandoned: null });
    this.member = new Random(seed, -1).below(this.dynamics.facts.members);
    this.past = await this.burnIn(start);
    const last = this.past.at(-1);
    this.course = [{
      ...last, reward: 0, total: 0, endProbability: 0, disagreement: 0, ended: false,
      levels: await this.draw(last.code),
    }];
    return this.now;
  }

  /** The real moments up to a start: {memory, code, action that led to it}. */
  async burnIn(start) {
    const count = this.starts.before.data[start];
    const codes = arrayOf(this.starts.codes.row(start), this.starts.codes.shape.slice(1));
    const taken = arrayOf(this.starts.actions.row(start), this.starts.actions.shape.slice(1));
    const most = taken.shape[0];
    const steps = Array.from({ length: count }, (_, step) => most - count + step);
    return this.dynamics.observe(
      [...steps, most].map((step) => codes.row(step)), steps.map((step) => [...taken.row(step)]),
      this.actions);
  }

  get now() {
    return this.course[this.at];
  }

  get isOver() {
    return this.now.ended || this.at >= LONGEST;
  }

  /** All moments that led to the present one, real ones first. */
  get history() {
    return [...this.past.slice(0, -1), ...this.course.slice(0, this.at + 1)];
  }

  /** Act; what had been dreamed after this moment is abandoned. */
  async step(action) {
    const { at: from, course } = this;
    const { memory, code, total } = this.now;
    // The noise depends on seed and decision alone, so that another action meets the same chance.
    const noise = new Random(this.seed, from);
    const after = await this.dynamics.predict(memory, code, this.actions.encode(action));
    const prediction = after.members[this.member];
    const change = drawChange(prediction, this.temperature, noise);
    const next = code.map((value, d) => value + change[d]);
    const { reward, endProbability } = prediction;
    const moment = {
      memory: after.memory, code: next, action, reward, endProbability, total: total + reward,
      disagreement: after.disagreement, ended: noise.uniform() < endProbability,
      levels: await this.draw(next),
    };
    // Whoever went elsewhere meanwhile does not want it any more.
    if (this.at !== from || this.course !== course) return this.now;
    if (from < course.length - 1) this.abandoned = { from, moments: course.slice(from + 1) };
    this.course = [...course.slice(0, from + 1), moment];
    this.at = from + 1;
    return moment;
  }

  goTo(decision) {
    this.at = Math.min(Math.max(decision, 0), this.course.length - 1);
    return this.now;
  }

  /** Return to what was abandoned, and abandon what had taken its place. */
  takeBack() {
    if (!this.abandoned) return;
    const { from, moments } = this.abandoned;
    this.abandoned = { from, moments: this.course.slice(from + 1) };
    this.course = [...this.course.slice(0, from + 1), ...moments];
    this.at = Math.min(this.at, this.course.length - 1);
  }

  draw(code) {
    return this.encoder.draw(code);
  }
}
