/** Random numbers from a seed: the same seed, the same dream. */

export class Random {
  /** sfc32 (C. Doty-Humphrey, PractRand), seeded by whole numbers. */
  constructor(seed, stream = 0) {
    this.state = new Uint32Array([0x9e3779b9 ^ stream, 0x243f6a88, seed >>> 0, 1]);
    for (let i = 0; i < 16; i++) this.word();
  }

  word() {
    const s = this.state;
    const result = (s[0] + s[1] + s[3]) >>> 0;
    s[3] += 1;
    s[0] = s[1] ^ (s[1] >>> 9);
    s[1] = s[2] + (s[2] << 3);
    s[2] = ((s[2] << 21) | (s[2] >>> 11)) + result;
    return result;
  }

  /** A number of U(0, 1): at least 0 and below 1. */
  uniform() {
    return this.word() / 2 ** 32;
  }

  /** A number of N(0, 1), of two uniform ones (Box & Muller, 1958). */
  normal() {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** A number of Gumbel(0, 1), which added to logits makes the largest a draw of their softmax. */
  gumbel() {
    return -Math.log(-Math.log(1 - this.uniform() - 2 ** -33));
  }

  /** A whole number from 0 that is below `count`. */
  below(count) {
    return Math.floor(this.uniform() * count);
  }
}
