/** V: frames to latents and back. */

import { toLevels } from "./pictures.js";
import { Network, bytes, floats } from "./runtime.js";

export class Encoder {
  constructor(facts, decoder) {
    Object.assign(this, { facts, decoder });
    this.size = facts.latents.length;
  }

  /** The layers that encode are loaded when they are first used: a dream needs none. */
  static async load(facts) {
    return new Encoder(facts, await Network.load("decoder"));
  }

  /** Return the posterior mean (Z,) of one input (H, W, stack C) of grey levels. */
  async encode(input) {
    const { height, width, channels, stack } = this.facts;
    const given = bytes(Uint8Array.from(input), 1, height, width, stack * channels);
    this.encoder ??= Network.load("encoder");
    const { codes } = await (await this.encoder).run({ frames: given });
    return codes.data.slice();
  }

  /** Return frames in [0, 1], each (H, W, C), of latents that are not whitened: [(Z,), ...]. */
  async decode(...latents) {
    const given = new Float32Array(latents.length * this.size);
    latents.forEach((one, index) => given.set(one, index * this.size));
    const { frames } = await this.decoder.run({ codes: floats(given, latents.length, this.size) });
    const size = frames.data.length / latents.length;
    return latents.map((_, index) => frames.data.slice(index * size, (index + 1) * size));
  }

  /** Return latents as dynamics and agents read them. */
  whiten(latents) {
    return latents.map((value, z) => (value - this.facts.latents[z].mean) / this.facts.latents[z].scale);
  }

  unwhiten(whitened) {
    const { latents } = this.facts;
    return Float32Array.from(latents, ({ mean, scale }, z) => whitened[z] * scale + mean);
  }

  /** Return the grey levels of the frame that a code of the dynamics means. */
  async draw(code) {
    return toLevels((await this.decode(this.unwhiten(code)))[0]);
  }

  /** Draw latents from the prior, or from what stands for it. */
  sample(random) {
    const { latents, has_prior } = this.facts;
    return Float32Array.from(latents, ({ mean, std }) =>
      has_prior ? random.normal() : mean + std * random.normal());
  }
}
