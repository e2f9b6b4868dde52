/** The section on the dream: who plays, how fast, and what is seen of it. */

import { keyOf } from "./actions.js";
import { ChoiceControls, NumberControls } from "./controls.js";
import { byId, make, pausedUnseen, percent, signed } from "./elements.js";
import { drawFrame } from "./pictures.js";
import { Timeline } from "./timeline.js";

const REDRAWN = 200; // milliseconds after which the timeline is drawn again while a dream plays

export class DreamView {
  constructor(facts, dream, moments, agents) {
    Object.assign(this, { facts, dream, moments, agents, isPlaying: false, busy: false });
    this.actions = dream.actions;
    this.player = null; // null: you
    this.held = new Set();
    this.startAt = Math.min(2, moments.shape[0] - 1); // a first frame is often an odd one
    this.seed = Math.floor(Math.random() * 1e6);
    const Controls = "count" in this.actions ? ChoiceControls : NumberControls;
    this.controls = new Controls(this.actions, (action) => this.press(action));
    this.timeline = new Timeline(facts, dream, (decision) => this.goTo(decision));
    this.times = [];
    this.starts();
    this.players();
    this.buttons();
    this.keyboard();
    byId("dream-actions").append(this.controls.element);
    byId("dream-begin").disabled = false;
    const isAlone = dream.dynamics.facts.members === 1; // which cannot disagree
    for (const element of document.querySelectorAll("#dream .apart")) element.hidden = isAlone;
  }

  starts() {
    for (let index = 0; index < this.moments.shape[0]; index++) {
      const canvas = make("canvas");
      drawFrame(canvas, this.moments.row(index), this.facts);
      byId("dream-starts").append(make("button", {
        class: "thumb", "aria-label": `begin from held-out frame ${index + 1}`,
        onclick: () => this.begin(index),
      }, canvas));
    }
  }

  players() {
    const all = [null, ...this.agents];
    const buttons = all.map((player) => make("button", {
      "aria-pressed": player === null, title: player?.title ?? "the keys below",
      onclick: () => this.letPlay(player),
    }, player?.name ?? "you"));
    this.playerButtons = all.map((player, index) => ({ player, button: buttons[index] }));
    byId("dream-players").append(...buttons);
    byId("dream-samples").firstElementChild.onchange = (event) => {
      if (this.player) this.player.samples = event.target.checked;
    };
    byId("dream-players").hidden = !this.agents.length;
  }

  buttons() {
    byId("dream-begin").onclick = () => this.playAgain();
    byId("dream-play").onclick = () => this.toggle();
    byId("dream-step").onclick = () => this.single();
    byId("dream-back").onclick = () => this.goTo(this.dream.at - 1);
    byId("dream-again").onclick = () => this.again();
    byId("dream-other").onclick = () => {
      this.dream.takeBack();
      this.show();
    };
    const heat = byId("dream-temperature");
    heat.value = this.dream.temperature;
    heat.max = Math.max(2, this.dream.temperature);
    heat.oninput = () => this.heat(Number(heat.value));
    this.heat(this.dream.temperature);
  }

  heat(temperature) {
    this.dream.temperature = temperature;
    byId("dream-heat").textContent = temperature.toFixed(2);
  }

  keyboard() {
    window.addEventListener("keydown", (event) => this.down(event));
    window.addEventListener("keyup", (event) => this.held.delete(keyOf(event)));
    window.addEventListener("blur", () => this.held.clear());
    document.addEventListener("visibilitychange", () => document.hidden && this.pause());
    pausedUnseen(byId("dream-screen"), this);
  }

  down(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.listens(event.target)) return;
    const key = keyOf(event);
    const button = event.target.closest("button");
    if (this.actions.takes(key) && !(button && key === " ")) {
      event.preventDefault();
      if (!event.repeat) {
        this.held.add(key);
        this.press();
      }
    } else {
      const act = { p: "toggle", n: "single", r: "again", ",": "back", " ": "toggle" }[event.key];
      if (!act || (button && key === " ")) return;
      event.preventDefault();
      if (act === "back") this.goTo(this.dream.at - 1);
      else this[act]();
    }
  }

  /** Keys are the dream's while it plays or has the focus; sliders and lists keep theirs. */
  listens(target) {
    if (target.closest("input, select, textarea")) return false;
    return byId("dream-screen").contains(target)
      || (byId("dream").contains(target) || target === document.body) && this.isPlaying;
  }

  /** Somebody acts: the dream is theirs, and goes on. */
  async press(action = null) {
    if (this.player) this.letPlay(null);
    if (action) await this.single(action);
    else if (!this.isPlaying && !this.dream.isOver) this.play();
  }

  letPlay(player) {
    this.player = player;
    for (const { player: one, button } of this.playerButtons) {
      button.setAttribute("aria-pressed", one === player);
    }
    const samples = byId("dream-samples");
    samples.hidden = !player?.facts.noise;
    if (player) samples.firstElementChild.checked = player.samples;
    if (player && !this.isPlaying) this.playAgain();
  }

  async begin(index = this.startAt) {
    this.pause();
    this.startAt = index;
    this.seed = (this.seed + 1) % 1e6;
    await this.dream.begin(index, this.seed);
    [...byId("dream-starts").children].forEach((button, place) =>
      button.setAttribute("aria-pressed", place === index));
    this.show();
  }

  async again() {
    const played = this.isPlaying;
    await this.begin();
    if (played) this.play();
  }

  async playAgain() {
    if (this.dream.isOver) await this.begin();
    this.play();
  }

  toggle() {
    if (this.isPlaying) this.pause();
    else this.playAgain();
  }

  play() {
    this.isPlaying = true;
    byId("dream-screen").focus({ preventScroll: true });
    this.due = performance.now();
    this.drawn = 0;
    this.times = [];
    this.show();
    this.run = {}; // so that what was asked for before a pause does not go on after it
    requestAnimationFrame((now) => this.frame(now, this.run));
  }

  pause() {
    this.isPlaying = false;
    this.held.clear();
    if (this.dream.course.length) this.show();
  }

  goTo(decision) {
    this.isPlaying = false;
    this.dream.goTo(decision);
    this.show();
  }

  async single(action = null) {
    this.isPlaying = false;
    if (!this.dream.isOver) await this.step(action, true);
    this.show();
  }

  /** Take as many decisions as are due; the browser calls it before it paints. */
  async frame(now, run) {
    if (!this.isPlaying || run !== this.run) return;
    const speed = Number(byId("dream-speed").value);
    const each = 1000 / (this.dream.dynamics.facts.decisions_per_second * speed);
    if (now >= this.due - 2) {
      await this.step();
      this.due = Math.max(this.due + each, now - each);
      if (this.dream.isOver) this.pause();
    }
    requestAnimationFrame((later) => this.frame(later, run));
  }

  /** Take one decision; `isMust`: whatever it costs, also where nobody acts. */
  async step(action = null, isMust = false) {
    if (this.busy) return;
    this.busy = true;
    try {
      const decision = this.player ? await this.player.decide(this.dream) : null;
      const chosen = action ?? decision?.action ?? this.yours(isMust);
      if (chosen === null) return;
      const begun = performance.now();
      await this.dream.step(chosen);
      this.times = [...this.times.slice(-29), { begun, ended: performance.now() }];
      this.decision = decision;
      this.showMoment();
    } finally {
      this.busy = false;
    }
  }

  /** What you do: what is held, nothing if the environment knows that, else what you did last. */
  yours(isMust) {
    const held = this.controls.held ?? this.actions.ofKeys(this.held);
    return held ?? this.actions.idle ?? (isMust ? this.dream.now.action ?? [0] : null);
  }

  show() {
    this.showMoment();
    this.timeline.draw();
    byId("dream-play").textContent = this.isPlaying ? "pause" : "play";
    const { isOver, now, at } = this.dream;
    byId("dream-veil").hidden = this.isPlaying || (at > 0 && !isOver);
    byId("dream-begin").textContent = isOver ? "dream again" : "play";
    byId("dream-veil-words").textContent = now.ended
      ? `the episode ended here (probability ${percent(now.endProbability)})`
      : isOver ? "the page keeps no longer dream than this" : "";
  }

  showMoment() {
    const { now, at, dynamics, actions } = this.dream;
    drawFrame(byId("dream-canvas"), now.levels, this.facts);
    const decision = this.player ? this.decision : null;
    this.controls.show(at > 0 ? now.action : null, at > 0 ? decision : null);
    byId("dream-decides").textContent = decision && at > 0 ? this.says(decision) : "";
    byId("meter-decision").textContent = at;
    byId("meter-reward").textContent = signed(now.reward);
    byId("meter-total").textContent = signed(now.total);
    byId("meter-end").textContent = percent(now.endProbability);
    byId("meter-disagreement").textContent = now.disagreement.toFixed(2);
    byId("meter-keys").replaceChildren(...dynamics.keysOf(now.code).map(({ name, values }) =>
      make("div", {}, make("dt", {}, name), make("dd", {}, values.slice(0, 6).map((v) => v.toFixed(1)).join(", ")))));
    const { members } = dynamics.facts;
    byId("dream-seed").textContent = `seed ${this.dream.seed}`
      + (members > 1 ? `, member ${this.dream.member + 1} of ${members}` : "");
    this.believe(now, at);
    const soon = performance.now() - this.drawn > REDRAWN;
    if (this.isPlaying && soon) {
      this.drawn = performance.now();
      this.timeline.draw();
      this.rate();
    }
  }

  /** What an agent did, and how sure it was. */
  says({ action, probabilities, mean, deviation }) {
    const done = `${this.player.name}: ${this.actions.describe(action)}`;
    if (probabilities) return `${done} (probability ${percent(probabilities[action[0]])})`;
    const about = (value, axis) => `${signed(value)}${deviation ? ` ± ${deviation[axis].toFixed(2)}` : ""}`;
    return mean ? `${this.player.name}: mean ${mean.slice(0, 4).map(about).join(", ")}` : done;
  }

  believe(now, at) {
    const { trust, max_disagreement: most, members } = this.dream.dynamics.facts;
    const apart = most !== null && members > 1 && now.disagreement > most;
    const late = trust !== null && at > trust.horizon;
    byId("dream-screen").classList.toggle("unbelievable", apart || late);
    byId("dream-belief").textContent = apart ? "Do not believe this: the members disagree."
      : !trust ? "Nobody has checked how far this dream can be believed."
      : !late ? `Decision ${at} of the ${trust.horizon} for which the fidelity check trusts this dream.`
      : trust.horizon === 0 ? "Do not believe this: the fidelity check trusts no decision of this dream."
      : trust.horizon < trust.judged ? `Do not believe this: the fidelity check trusts ${trust.horizon} decisions.`
      : `Do not rely on this: the check judged the first ${trust.judged} decisions alone, and trusted them.`;
  }

  rate() {
    if (this.times.length < 2) return;
    const spent = this.times.reduce((sum, { begun, ended }) => sum + ended - begun, 0) / this.times.length;
    const span = (this.times.at(-1).ended - this.times[0].ended) / (this.times.length - 1);
    byId("dream-rate").textContent =
      `${(1000 / span).toFixed(0)} frames a second; this machine could dream ${(1000 / spent).toFixed(0)}`;
  }
}
