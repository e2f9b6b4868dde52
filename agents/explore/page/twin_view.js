/** The section on twins: both sides of one episode, and how far they are apart. */

import { Chart } from "./charts.js";
import { byId, make, newestOnly, pausedUnseen, signed } from "./elements.js";
import { drawFrame } from "./pictures.js";

export class TwinView {
  constructor(facts, twins) {
    Object.assign(this, { facts, twins, at: 0, seed: 1, isPlaying: false });
    this.temperature = twins[0].dynamics.facts.temperature;
    this.draw = newestOnly(() => this.pictures());
    this.redream = newestOnly(() => this.dream());
    twins.forEach((twin, index) => byId("twin-strip").append(this.thumb(twin, index)));
    byId("twin-play").onclick = () => this.toggle();
    byId("twin-again").onclick = () => {
      this.seed += 1;
      this.redream();
    };
    const heat = byId("twin-temperature");
    heat.max = Math.max(2, this.temperature);
    heat.value = this.temperature;
    heat.oninput = () => {
      this.temperature = Number(heat.value);
      this.redream();
    };
    byId("twin-time").oninput = (event) => this.goTo(Number(event.target.value));
    byId("twin-chart").onclick = (event) => {
      const box = event.currentTarget.getBoundingClientRect();
      this.goTo(Math.round(((event.clientX - box.left) / box.width) * this.twin.length));
    };
    pausedUnseen(byId("twin-real"), this);
    new ResizeObserver(() => this.dreamed && this.chart()).observe(byId("twin"));
  }

  thumb(twin, index) {
    const canvas = make("canvas");
    drawFrame(canvas, twin.frames.row(0), this.facts);
    const words = `${twin.length} decisions of the policy ${twin.facts.policy}`;
    return make("button", { class: "thumb", title: words, "aria-label": words, onclick: () => this.choose(index) }, canvas);
  }

  async choose(index) {
    this.twin = this.twins[index];
    this.at = 0;
    byId("twin-time").max = this.twin.length;
    [...byId("twin-strip").children].forEach((button, place) =>
      button.setAttribute("aria-pressed", place === index));
    await this.dream();
  }

  async dream() {
    byId("twin-heat").textContent = this.temperature.toFixed(2);
    this.dreamed = await this.twin.dream(this.seed, this.temperature);
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
    const sum = (values) => values.slice(0, this.at).reduce((total, value) => total + value, 0);
    byId("twin-words").textContent =
      `decision ${this.at}: squared error ${errors[this.at].toFixed(2)} in deviations of the latents, `
      + `where the mean of all frames scores about 1; return so far `
      + `${signed(sum(this.twin.rewards.data))} real, ${signed(sum(rewards))} dreamed`;
    byId("twin-ended").textContent = end !== null && this.at >= end ? `, ended at decision ${end}` : "";
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
    this.isPlaying = false;
    byId("twin-play").textContent = "play";
  }

  toggle() {
    if (this.isPlaying) {
      this.pause();
      return;
    }
    this.isPlaying = true;
    byId("twin-play").textContent = "pause";
    if (this.at >= this.twin.length) this.at = 0;
    this.due = performance.now();
    requestAnimationFrame((now) => this.frame(now));
  }

  frame(now) {
    if (!this.isPlaying) return;
    if (now >= this.due - 2) {
      this.goTo(this.at + 1);
      this.due += 1000 / this.twin.dynamics.facts.decisions_per_second;
      if (this.at >= this.twin.length) this.pause();
    }
    requestAnimationFrame((later) => this.frame(later));
  }
}
