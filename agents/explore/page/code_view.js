/** The section on the code: a frame, what its latents keep of it, and what they mean. */

import { makeActions } from "./actions.js";
import { byId, make, newestOnly, percent, signed } from "./elements.js";
import { drawFrame, frameError, toLevels } from "./pictures.js";

const STEPS = [-3, -2.25, -1.5, -0.75, 0, 0.75, 1.5, 2.25, 3]; // deviations of a traversal
const SHOWN = 12; // sliders before "all latents"

export class CodeView {
  constructor(facts, moments, random) {
    Object.assign(this, { facts, moments, random, encoder: null });
    this.chosen = Math.min(2, moments.shape[0] - 1); // a first frame is often an odd one
    this.other = null;
    this.order = facts.latents.map((_, z) => z);
    const weight = (z) => (facts.has_prior ? facts.latents[z].nats : facts.latents[z].std);
    this.order.sort((a, b) => weight(b) - weight(a));
    this.touched = this.order[0];
    this.draw = newestOnly(() => this.decodeAll());
    this.strip();
    this.sliders();
    this.strips();
    byId("code-reset").onclick = () => this.choose(this.chosen);
    byId("code-sample").onclick = () => this.sample();
    byId("code-blend").oninput = () => this.blend();
    drawFrame(byId("code-frame"), moments.row(this.chosen), facts);
  }

  /** Begin, once the networks are there. */
  async start(encoder) {
    this.encoder = encoder;
    await this.choose(this.chosen);
  }

  /** Say what agents would do at the code that is shown, if there is no dream for them to play. */
  letDecide(agents) {
    this.agents = agents;
  }

  async ask() {
    const words = [];
    for (const agent of this.agents ?? []) {
      const decision = await agent.decideAt(this.encoder, this.code);
      const action = makeActions(agent.facts.actions).describe(decision.action);
      const sure = decision.probabilities?.[decision.action[0]];
      words.push(`${agent.name}: ${action}${sure === undefined ? "" : ` (probability ${percent(sure)})`}`);
    }
    byId("code-agents").textContent = words.length ? `At this code, as an episode's first, ${words.join("; ")}` : "";
  }

  strip() {
    const { shape } = this.moments;
    for (let index = 0; index < shape[0]; index++) {
      const canvas = make("canvas");
      drawFrame(canvas, this.moments.row(index), this.facts);
      const button = make("button", {
        class: "thumb", "aria-label": `held-out frame ${index + 1}`, "aria-pressed": false,
        onclick: (event) => (event.shiftKey ? this.mixWith(index) : this.choose(index)),
      }, canvas);
      byId("code-strip").append(button);
      byId("code-other").append(make("option", { value: index }, `frame ${index + 1}`));
    }
    byId("code-other").onchange = (event) => this.mixWith(Number(event.target.value));
  }

  sliders() {
    this.rows = this.facts.latents.map((latent, z) => this.slider(latent, z));
    const rows = this.order.map((z) => this.rows[z].row);
    byId("code-latents").append(...rows.slice(0, SHOWN));
    byId("code-rest").append(...rows.slice(SHOWN));
    byId("code-more").hidden = rows.length <= SHOWN;
    byId("code-more").querySelector("summary").textContent = `the other ${rows.length - SHOWN} latents`;
  }

  slider(latent, z) {
    const input = make("input", {
      type: "range", min: -3, max: 3, step: 0.05, "aria-label": `latent ${z}`,
      oninput: () => this.move(z), onfocus: () => this.touch(z), onpointerdown: () => this.touch(z),
    });
    const value = make("output");
    const about = latent.subject
      ? `${latent.subject}, R² ${latent.r2.toFixed(2)}`
      : "";
    const weight = this.facts.has_prior ? `${latent.nats.toFixed(2)} nats` : `± ${latent.std.toFixed(2)}`;
    const name = make("span", { class: "name" }, `z${z} `, make("small", {}, weight));
    const row = make("label", { class: "latent" }, name, input, value,
      make("span", { class: "about" }, about));
    return { row, input, value };
  }

  strips() {
    this.traversal = STEPS.map((step) => {
      const canvas = make("canvas");
      const button = make("button", {
        class: "thumb", "aria-label": `${signed(step)} deviations`, onclick: () => this.moveTo(step),
      }, canvas, make("small", {}, signed(step, step % 1 ? 2 : 0)));
      byId("code-traversal").append(button);
      return canvas;
    });
  }

  /** Show the code of a held-out frame. */
  async choose(index) {
    this.chosen = index;
    this.other = null;
    const frame = this.moments.row(index);
    drawFrame(byId("code-frame"), frame, this.facts);
    byId("code-blend").value = 0;
    this.mark();
    if (this.encoder) await this.set(await this.encoder.encode(frame), true);
  }

  async mixWith(index) {
    this.other = index;
    byId("code-blend").value = 0.5;
    this.mark();
    await this.blend();
  }

  async blend() {
    if (!this.encoder) return;
    this.other ??= (this.chosen + 1) % this.moments.shape[0];
    const share = Number(byId("code-blend").value);
    const [first, second] = await Promise.all(
      [this.chosen, this.other].map((index) => this.encoder.encode(this.moments.row(index))));
    this.mark();
    await this.set(first.map((value, z) => (1 - share) * value + share * second[z]), share === 0);
  }

  mark() {
    [...byId("code-strip").children].forEach((button, index) => {
      button.setAttribute("aria-pressed", index === this.chosen);
      button.classList.toggle("other", index === this.other);
    });
    byId("code-other").value = this.other ?? (this.chosen + 1) % this.moments.shape[0];
  }

  async sample() {
    if (this.encoder) await this.set(this.encoder.sample(this.random), false);
  }

  /** Show a code; `isFrames` says whether it is that of the chosen frame, so that they compare. */
  async set(code, isFrames) {
    this.code = Float32Array.from(code);
    this.isFrames = isFrames;
    this.rows.forEach((_, z) => this.show(z));
    await this.draw();
  }

  show(z) {
    const { mean, std } = this.facts.latents[z];
    const deviations = std > 0 ? (this.code[z] - mean) / std : 0;
    const { input, value } = this.rows[z];
    const reach = Math.max(3, Math.ceil(Math.abs(deviations)));
    input.min = -reach;
    input.max = reach;
    input.value = deviations;
    value.textContent = signed(deviations);
  }

  touch(z) {
    if (!this.encoder || z === this.touched) return;
    this.touched = z;
    this.draw();
  }

  move(z) {
    if (!this.encoder) return;
    this.touched = z;
    this.moveTo(Number(this.rows[z].input.value));
  }

  /** Move the touched latent to so many deviations from its mean. */
  moveTo(deviations) {
    const { mean, std } = this.facts.latents[this.touched];
    this.code[this.touched] = mean + deviations * std;
    this.isFrames = false;
    this.rows[this.touched].value.textContent = signed(deviations);
    this.rows[this.touched].input.value = deviations;
    this.draw();
  }

  async decodeAll() {
    const { mean, std } = this.facts.latents[this.touched];
    const moved = STEPS.map((step) => {
      const code = this.code.slice();
      code[this.touched] = mean + step * std;
      return code;
    });
    const touched = this.touched;
    const [picture] = await this.encoder.decode(this.code);
    const levels = toLevels(picture);
    drawFrame(byId("code-picture"), levels, this.facts);
    this.say(levels);
    await this.ask();
    const pictures = await this.encoder.decode(...moved);
    pictures.forEach((one, index) => drawFrame(this.traversal[index], toLevels(one), this.facts));
    this.rows.forEach(({ row }, z) => row.classList.toggle("touched", z === touched));
    byId("code-touched").textContent = `z${touched}`;
  }

  say(levels) {
    const words = byId("code-error");
    if (!this.isFrames || this.facts.ahead) {
      words.textContent = this.facts.ahead && this.isFrames
        ? `the frame ${this.facts.ahead} decision${this.facts.ahead > 1 ? "s" : ""} later`
        : "no frame has exactly this code";
      return;
    }
    const error = frameError(this.moments.row(this.chosen), levels, this.facts);
    words.textContent = `PSNR ${(-10 * Math.log10(Math.max(error, 1e-10))).toFixed(1)} dB`;
  }
}
