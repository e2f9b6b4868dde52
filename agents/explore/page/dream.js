/** A dream: moments from a real frame on. One may go back and act otherwise, which is another branch. */

import { arrayOf } from "./assets.js";
import { Random } from "./random.js";

export const LONGEST = 2000; // decisions of one branch
export const MOST_BRANCHES = 4;

export class Dream {
  /** `starts` are the codes before and at each real frame, and the actions between them. */
  constructor({ encoder, dynamics, actions, starts }) {
    Object.assign(this, { encoder, dynamics, actions, starts });
    this.temperature = dynamics.facts.temperature;
    this.branches = [[]]; // each: the start, and what followed from it; what is common is shared
    this.branch = 0; // the one that is dreamed
    this.at = 0;
  }

  /** Begin at a real frame, after the real decisions before it. */
  async begin(start, seed) {
    this.wanted = seed;
    const past = await this.burnIn(start);
    const last = past.at(-1);
    const first = {
      ...last, reward: 0, total: 0, endProbability: 0, disagreement: 0, ended: false,
      levels: await this.draw(last.code),
    };
    if (this.wanted !== seed) return; // another beginning was asked for meanwhile
    const member = new Random(seed, -1).below(this.dynamics.facts.members);
    Object.assign(this, { seed, member, past, branches: [[first]], branch: 0, at: 0 });
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

  /** The moments of the present branch. */
  get course() {
    return this.branches[this.branch];
  }

  /** The present moment; undefined before a dream has begun. */
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

  /** Act, and return what is then; `decision` says who acted so and why. To act as before goes along the branch. */
  async step(action, decision = null) {
    const { now, at, course, temperature } = this;
    const known = course[at + 1];
    if (known && known.temperature === temperature && isSame(known.action, action)) {
      this.at = at + 1;
      return known;
    }
    // The noise depends on seed and decision alone, so that another action meets the same chance.
    const noise = new Random(this.seed, at);
    const after = await this.dynamics.predict(now.memory, now.code, this.actions.encode(action));
    const prediction = after.members[this.member];
    const code = this.dynamics.drawn(now.code, prediction, temperature, noise);
    const { reward, endProbability } = prediction;
    const moment = {
      memory: after.memory, code, action, decision, temperature, reward, endProbability,
      total: now.total + reward, disagreement: after.disagreement,
      ended: noise.uniform() < endProbability, levels: await this.draw(code),
    };
    if (this.now === now) this.append(moment); // else: whoever went elsewhere does not want it any more
    return this.now;
  }

  append(moment) {
    if (this.at < this.course.length - 1) this.fork();
    this.course.push(moment);
    this.at += 1;
  }

  /** Begin another branch with the moments up to the present one; the oldest of too many is forgotten. */
  fork() {
    this.branches.push(this.course.slice(0, this.at + 1));
    if (this.branches.length > MOST_BRANCHES) this.branches.splice(this.branch === 0 ? 1 : 0, 1);
    this.branch = this.branches.length - 1;
  }

  goTo(decision, branch = this.branch) {
    this.branch = branch;
    this.at = Math.min(Math.max(decision, 0), this.course.length - 1);
  }

  draw(code) {
    return this.encoder.draw(code);
  }
}

const isSame = (first, second) => first.every((value, axis) => value === second[axis]);
