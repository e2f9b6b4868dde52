/** The section on the code: a frame, what its latents keep of it, and what they mean. */

import { makeActions } from "./actions.js";
import { byId, fixed, make, newestOnly, percent, signed, write } from "./elements.js";
import { drawFrame, frameError, toLevels } from "./pictures.js";
import { LatentSliders } from "./sliders.js";
import { Thumbs } from "./thumbs.js";

const STEPS = [-3, -2.25, -1.5, -0.75, 0, 0.75, 1.5, 2.25, 3]; // deviations of a traversal

export class CodeView {
  constructor(facts, moments, random) {
    Object.assign(this, { facts, moments, random, encoder: null });
    this.chosen = Math.min(2, moments.shape[0] - 1); // a first frame is often an odd one
    this.other = null;
    this.sliders = new LatentSliders(facts, {
      onMove: (z, deviations) => this.move(z, deviations),
      onTouch: (z) => this.touch(z),
    });
    this.touched = this.sliders.order[0];
    this.codes = new Map(); // number of a held-out frame -> its code
    this.draw = newestOnly(() => this.decodeAll());
    this.heldOut();
    this.traversals();
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
    write("code-agents", words.length ? `At this code, as an episode's first, ${words.join("; ")}` : "");
  }

  heldOut() {
    this.thumbs = new Thumbs("code-strip", this.facts);
    for (let index = 0; index < this.moments.shape[0]; index++) {
      this.thumbs.add(this.moments.row(index), `held-out frame ${index + 1}`,
        (event) => (event.shiftKey ? this.mixWith(index) : this.choose(index)));
      byId("code-other").append(make("option", { value: index }, `frame ${index + 1}`));
    }
    byId("code-other").onchange = (event) => this.mixWith(Number(event.target.value));
  }

  traversals() {
    this.traversal = STEPS.map((step) => {
      const canvas = make("canvas");
      byId("code-traversal").append(make("button", {
        class: "thumb", "aria-label": `${signed(step)} deviations`, onclick: () => this.moveTo(step),
      }, canvas, make("small", {}, signed(step, step % 1 ? 2 : 0))));
      return canvas;
    });
  }

  /** Return the code of a held-out frame, which is computed once. */
  codeOf(index) {
    if (!this.codes.has(index)) this.codes.set(index, this.encoder.encode(this.moments.row(index)));
    return this.codes.get(index);
  }

  /** Show the code of a held-out frame. */
  async choose(index) {
    this.chosen = index;
    this.other = null;
    drawFrame(byId("code-frame"), this.moments.row(index), this.facts);
    byId("code-blend").value = 0;
    this.mark();
    if (!this.encoder) return;
    const code = await this.codeOf(index);
    if (index === this.chosen && this.other === null) await this.set(code, index);
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
    const pair = [this.chosen, this.other];
    this.mark();
    const [first, second] = await Promise.all(pair.map((index) => this.codeOf(index)));
    const isOneFrame = pair[0] === pair[1] || share === 0 || share === 1;
    await this.set(
      first.map((value, z) => (1 - share) * value + share * second[z]),
      isOneFrame ? pair[share === 1 ? 1 : 0] : null);
  }

  mark() {
    this.thumbs.mark(this.chosen);
    this.thumbs.markOther(this.other);
    byId("code-other").value = this.other ?? (this.chosen + 1) % this.moments.shape[0];
  }

  async sample() {
    if (!this.encoder) return;
    this.other = null;
    byId("code-blend").value = 0;
    this.mark();
    await this.set(this.encoder.sample(this.random), null);
  }

  /** Show a code, and the number of the held-out frame of which it is; null: of none. */
  async set(code, frame) {
    this.code = Float32Array.from(code);
    this.frame = frame;
    this.sliders.showAll(this.code);
    await this.draw();
  }

  touch(z) {
    if (!this.code || z === this.touched) return;
    this.touched = z;
    this.draw();
  }

  move(z, deviations) {
    this.touched = z;
    this.moveTo(deviations);
  }

  /** Move the touched latent to so many deviations from its mean. */
  moveTo(deviations) {
    if (!this.code) return;
    const { mean, std } = this.facts.latents[this.touched];
    this.code[this.touched] = mean + deviations * std;
    this.frame = null;
    this.sliders.show(this.touched, this.code);
    this.draw();
  }

  async decodeAll() {
    const { touched } = this;
    const { mean, std } = this.facts.latents[touched];
    const moved = STEPS.map((step) => this.code.with(touched, mean + step * std));
    const [picture] = await this.encoder.decode(this.code);
    const levels = toLevels(picture);
    drawFrame(byId("code-picture"), levels, this.facts);
    write("code-error", this.nearness(levels));
    await this.ask();
    const pictures = await this.encoder.decode(...moved);
    pictures.forEach((one, index) => drawFrame(this.traversal[index], toLevels(one), this.facts));
    this.sliders.mark(touched);
    write("code-touched", `z${touched}`);
  }

  /** Return how near the picture is to the frame of which the code is, if it is of one. */
  nearness(levels) {
    const { frame, chosen } = this;
    const { ahead } = this.facts;
    if (frame === null) return "no frame has exactly this code";
    if (ahead) return `the frame ${ahead} decision${ahead > 1 ? "s" : ""} later`;
    const error = frameError(this.moments.row(frame), levels, this.facts);
    const nearness = `PSNR ${fixed(-10 * Math.log10(Math.max(error, 1e-10)), 1)} dB`;
    return frame === chosen ? nearness : `${nearness} of frame ${frame + 1}`;
  }
}
