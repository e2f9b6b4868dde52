/** The section on twins: both sides of one episode, and how far they are apart. */

import { Chart, decisionAt, redrawn } from "./charts.js";
import { Clock } from "./clock.js";
import { byId, fixed, newestOnly, pausedUnseen, signed, write } from "./elements.js";
import { drawFrame } from "./pictures.js";
import { startTemperature } from "./temperature.js";
import { Thumbs } from "./thumbs.js";

export class TwinView {
  constructor(facts, twins) {
    Object.assign(this, { facts, twins, at: 0, seed: 1 });
    const { temperature, decisions_per_second: perSecond } = twins[0].dynamics.facts;
    this.temperature = temperature;
    this.clock = new Clock(() => this.tick(), () => perSecond);
    this.draw = newestOnly(() => this.pictures());
    this.redream = newestOnly(() => this.dream());
    this.thumbs = new Thumbs("twin-strip", facts);
    twins.forEach((twin, index) => {
      const words = `${twin.length} decisions of the policy ${twin.facts.policy}`;
      this.thumbs.add(twin.frames.row(0), words, () => this.choose(index));
    });
    this.buttons();
    pausedUnseen(byId("twin-real"), this);
    redrawn(byId("twin"), () => this.dreamed && this.chart());
  }

  buttons() {
    byId("twin-play").onclick = () => this.toggle();
    byId("twin-again").onclick = () => {
      this.seed += 1;
      this.redream();
    };
    startTemperature("twin", this.temperature, (temperature) => {
      this.temperature = temperature;
      this.redream();
    });
    byId("twin-time").oninput = (event) => this.goTo(Number(event.target.value));
    byId("twin-chart").onclick = (event) => this.goTo(decisionAt(event, this.twin.length));
  }

  get isPlaying() {
    return this.clock.isRunning;
  }

  async choose(index) {
    this.pause();
    this.chosen = this.twins[index];
    this.thumbs.mark(index);
    await this.redream();
  }

  /** Dream the chosen twin anew; until then the one before it is shown. */
  async dream() {
    const { chosen, seed, temperature } = this;
    const dreamed = await chosen.dream(seed, temperature);
    if (chosen !== this.twin) this.at = 0;
    Object.assign(this, { twin: chosen, dreamed });
    byId("twin-time").max = chosen.length;
    this.show();
  }

  goTo(decision) {
    this.at = Math.min(Math.max(decision, 0), this.twin.length);
    this.show();
  }

  show() {
    byId("twin-time").value = this.at;
    this.chart();
    this.say();
    this.draw();
  }

  say() {
    const { errors, end, rewards } = this.dreamed;
    const decimals = this.twin.dynamics.rewardDecimals;
    const sum = (values) => signed(values.slice(0, this.at).reduce((total, value) => total + value, 0), decimals);
    write("twin-words",
      `decision ${this.at}: squared error ${fixed(errors[this.at], 2)} in deviations of the latents, `
      + `where the mean of all frames scores about 1; return so far `
      + `${sum(this.twin.rewards.data)} real, ${sum(rewards)} dreamed`);
    write("twin-ended", end !== null && this.at >= end ? `, ended at decision ${end}` : "");
  }

  async pictures() {
    const { twin, at, dreamed } = this;
    drawFrame(byId("twin-real"), twin.frames.row(at), this.facts);
    drawFrame(byId("twin-kept"), await twin.encoder.draw(twin.real(at)), this.facts);
    drawFrame(byId("twin-dream"), await twin.encoder.draw(dreamed.codes[at]), this.facts);
  }

  chart() {
    const { errors, standstill } = this.dreamed;
    const { trust } = this.twin.dynamics.facts;
    const chart = new Chart(byId("twin-chart"), 110, this.twin.length);
    if (trust) chart.doubt(trust.horizon);
    const most = Math.max(...errors, ...standstill, 1e-9);
    chart.line(standstill, most, "soft");
    chart.line(errors, most, "accent");
    chart.cursor(this.at);
  }

  pause() {
    this.clock.stop();
    write("twin-play", "play");
  }

  toggle() {
    if (this.isPlaying) {
      this.pause();
      return;
    }
    if (this.at >= this.twin.length) this.at = 0;
    write("twin-play", "pause");
    this.clock.start();
  }

  tick() {
    this.goTo(this.at + 1);
    if (this.at >= this.twin.length) this.pause();
  }
}
