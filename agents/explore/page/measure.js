/** How fast this machine is: milliseconds of each network, and frames a second of all of them. */

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
    const begun = performance.now();
    for (let time = 0; time < times; time++) await run();
    milliseconds[name] = (performance.now() - begun) / times;
  }
  const all = Object.values(milliseconds).reduce((sum, value) => sum + value, 0);
  return { milliseconds, framesPerSecond: 1000 / all };
}
