/** A clock that ticks so many times a second, before the browser paints. */

const PICTURE = 1000 / 60; // milliseconds from one picture to the next
const EARLY = 2; // milliseconds by which a tick may come before it is due, lest it comes a picture too late
const BUDGET = 12; // milliseconds of ticks for one picture

export class Clock {
  /** `tick` may be asynchronous: the next one waits for it. `perSecond` is asked before each tick. */
  constructor(tick, perSecond) {
    Object.assign(this, { tick, perSecond, run: null });
  }

  get isRunning() {
    return this.run !== null;
  }

  start() {
    this.due = performance.now();
    this.run = {}; // what was asked for before a stop does not go on after it
    this.wait(this.run);
  }

  stop() {
    this.run = null;
  }

  wait(run) {
    requestAnimationFrame((now) => this.paint(now, run));
  }

  /** Tick as often as is due, as far as one picture leaves time; older than a tick or a picture nothing is due. */
  async paint(now, run) {
    const begun = performance.now();
    while (run === this.run && now >= this.due - EARLY && performance.now() - begun < BUDGET) {
      const each = 1000 / this.perSecond();
      this.due = Math.max(this.due + each, now - Math.max(each, PICTURE));
      await this.tick();
    }
    if (run === this.run) this.wait(run);
  }
}
