/** C: an agent that plays a dream, and says how likely it was to act so. */

import { Random } from "./random.js";
import { Network, bytes, choices, flags, floats } from "./runtime.js";

const STATE = "state_";
const REMEMBERED = 20; // of so many moments one keeps what an agent remembers: a stack of frames is large
const UNPAINTED = 50; // milliseconds after which the page is painted while an agent takes much in

export class Agent {
  constructor(facts) {
    Object.assign(this, { facts, network: null, samples: facts.samples });
    this.name = facts.name;
    const picture = facts.sees === "frame" ? " (here: what is decoded)" : "";
    this.title = `${facts.observation}${picture}; ${facts.trained_steps.toLocaleString("en")} steps`;
  }

  /** Load its network, which is done when it plays for the first time. */
  async load() {
    this.network ??= await Network.load(this.facts.asset);
    this.states = this.network.inputs.filter((name) => name.startsWith(STATE));
  }

  /** Return {action, probabilities} or {action, mean, deviation} at the present of a dream. */
  async decide(dream, samples = this.samples) {
    if (!this.network) await this.load();
    const history = this.states.length ? dream.history : [dream.now];
    const last = history.length - 1;
    let known = last - 1; // the newest moment that it has already taken in
    while (known >= 0 && !history[known].seenBy?.has(this)) known -= 1;
    await this.catchUp(dream, history, known + 1, last);
    const noise = samples ? new Random(dream.seed, -2 - dream.at) : null;
    const out = await this.take(dream, history, last, noise);
    return {
      action: Array.from(out.action.data, Number),
      probabilities: out.probabilities && [...out.probabilities.data],
      mean: out.mean && [...out.mean.data],
      deviation: out.deviation && [...out.deviation.data],
    };
  }

  /** Take in the moments from `first` on and before `end`. */
  async catchUp(dream, history, first, end) {
    let painted = performance.now();
    for (let index = first; index < end; index++) {
      await this.take(dream, history, index, null);
      if (performance.now() - painted < UNPAINTED) continue;
      await new Promise((later) => setTimeout(later));
      painted = performance.now();
    }
  }

  /** Decide at a code of the encoder as at the first frame of an episode, of which nothing is known. */
  async decideAt(encoder, code) {
    const moment = { code: encoder.whiten(code), memory: null, action: null };
    return this.decide({
      history: [moment], now: moment, at: 0, seed: 0, encoder,
      dynamics: { facts: { latents: encoder.size, carried: 0 }, keysOf: () => [] },
      draw: (whitened) => encoder.draw(whitened),
    }, false);
  }

  /** Take in one moment, after those before it; what is remembered is kept with it, at last with every twentieth. */
  async take(dream, history, index, noise) {
    const moment = history[index];
    const before = history[index - 1]?.seenBy?.get(this);
    const feeds = {
      seen: await this.seen(dream, moment),
      episode_start: flags(index === 0),
    };
    for (const { name, values } of dream.dynamics.keysOf(moment.code)) {
      feeds[`key_${name}`] = floats(values, 1, values.length);
    }
    if (moment.memory) {
      const { carried } = dream.dynamics.facts;
      feeds.carried = floats(moment.memory.slice(0, carried), 1, carried);
    }
    feeds.noise = floats(this.drawn(noise), 1, this.facts.noise_size);
    for (const name of this.states) feeds[name] = this.state(dream, name, moment, before);
    const wanted = Object.fromEntries(this.network.inputs.map((name) => [name, feeds[name]]));
    const out = await this.network.run(wanted);
    moment.seenBy ??= new Map();
    moment.seenBy.set(this, out);
    if ((index - 1) % REMEMBERED) history[index - 1]?.seenBy?.delete(this);
    return out;
  }

  state(dream, name, moment, before) {
    if (name === `${STATE}action`) return this.lastAction(dream, moment);
    const found = before?.[name.replace(STATE, "next_")];
    return found ?? this.zeros(name);
  }

  /** The action that led to a moment, whoever took it; at the beginning it means nothing. */
  lastAction(dream, { action }) {
    const { kind, low } = this.facts.actions;
    if (kind === "discrete") return choices(action?.[0] ?? 0);
    return floats(action ?? low.map(() => 0), 1, low.length);
  }

  zeros(name) {
    const { type, shape } = this.network.input(name);
    const sizes = shape.map((side, axis) => (axis === 0 ? 1 : side));
    const count = sizes.reduce((product, side) => product * side, 1);
    return type === "uint8" ? bytes(new Uint8Array(count), ...sizes) : floats(new Float32Array(count), ...sizes);
  }

  async seen(dream, moment) {
    const { latents } = dream.dynamics.facts;
    if (this.facts.sees === "latents") return floats(moment.code.slice(0, latents), 1, latents);
    const { height, width, channels } = dream.encoder.facts;
    moment.levels ??= await dream.draw(moment.code);
    return bytes(Uint8Array.from(moment.levels), 1, height, width, channels);
  }

  drawn(random) {
    const { noise, noise_size: size } = this.facts;
    return Float32Array.from({ length: size }, () => (random && noise ? random[noise]() : 0));
  }
}
