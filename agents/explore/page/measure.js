/** How fast this machine is. */

import { fixed } from "./elements.js";

const KEPT = 30; // decisions of which the pace is told

/** How many decisions a second are taken, and could be. */
export class Pace {
  constructor() {
    this.taken = [];
  }

  /** Note a decision that was begun at a time and is taken now. */
  took(begun) {
    this.taken = [...this.taken.slice(1 - KEPT), { begun, ended: performance.now() }];
  }

  get words() {
    const count = this.taken.length;
    if (count < 2) return "";
    const spent = this.taken.reduce((sum, { begun, ended }) => sum + ended - begun, 0) / count;
    const span = (this.taken.at(-1).ended - this.taken[0].ended) / (count - 1);
    return `${fixed(1000 / span, 0)} frames a second; this machine could dream ${fixed(1000 / spent, 0)}`;
  }
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** Return the milliseconds of each network and the frames a second of all.

 Each is run so many times; the median leaves out what other programs took. */
export async function measure({ encoder, dynamics, moments, dream }, times = 40) {
  const frame = moments.row(0);
  const code = await encoder.encode(frame);
  const parts = {
    encoder: () => encoder.encode(frame),
    decoder: () => encoder.decode(code),
  };
  if (dynamics) {
    const { memory, code: now } = dream.course[0];
    const action = dream.actions.encode(dream.actions.idle ?? [0]);
    parts.dynamics = () => dynamics.predict(memory, now, action);
  }
  const milliseconds = {};
  for (const [name, run] of Object.entries(parts)) {
    await run();
    const taken = [];
    for (let time = 0; time < times; time++) {
      const begun = performance.now();
      await run();
      taken.push(performance.now() - begun);
    }
    milliseconds[name] = median(taken);
  }
  const all = Object.values(milliseconds).reduce((sum, value) => sum + value, 0);
  return { milliseconds, framesPerSecond: 1000 / all };
}
