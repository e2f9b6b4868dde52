/** How fast this machine is: milliseconds of each network, and frames a second of all of them. */

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** Run each network so many times; the median leaves out what other programs took. */
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
