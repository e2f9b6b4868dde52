/** The section on the dream: somebody plays it, at a speed, and may go back. */

import { Clock } from "./clock.js";
import { byId, oneAtATime, pausedUnseen, write } from "./elements.js";
import { Pace } from "./measure.js";
import { Meters } from "./meters.js";
import { PlayerInput } from "./player_input.js";
import { Players } from "./players.js";
import { Screen } from "./screen.js";
import { startTemperature } from "./temperature.js";
import { Thumbs } from "./thumbs.js";
import { Timeline } from "./timeline.js";

const REDRAWN = 200; // milliseconds after which the timeline is drawn again while a dream plays

export class DreamView {
  constructor(facts, dream, moments, agents) {
    this.dream = dream;
    this.startAt = Math.min(2, moments.shape[0] - 1); // a first frame is often an odd one
    this.seed = Math.floor(Math.random() * 1e6);
    this.inTurn = oneAtATime();
    this.pace = new Pace();
    this.clock = new Clock(() => this.tick(), () => this.perSecond);
    this.starts = new Thumbs("dream-starts", facts);
    for (let index = 0; index < moments.shape[0]; index++) {
      this.starts.add(moments.row(index), `begin from held-out frame ${index + 1}`, () => this.begin(index));
    }
    this.screen = new Screen(facts, dream);
    this.meters = new Meters(dream);
    this.players = new Players(agents, dream.actions, (player) => this.letPlay(player));
    this.input = new PlayerInput(dream.actions, {
      onAct: (action) => this.act(action),
      onCommand: (name) => this[name](),
      isPlaying: () => this.isPlaying,
    });
    this.timeline = new Timeline(facts, dream, (decision, branch) => this.goTo(decision, branch));
    startTemperature("dream", dream.temperature, (temperature) => this.heat(temperature));
    for (const name of ["toggle", "single", "back", "again"]) byId(`dream-${name}`).onclick = () => this[name]();
    byId("dream-begin").onclick = () => this.playAgain();
    document.addEventListener("visibilitychange", () => document.hidden && this.pause());
    pausedUnseen(this.screen.element, this);
  }

  get isPlaying() {
    return this.clock.isRunning;
  }

  get perSecond() {
    return this.dream.dynamics.facts.decisions_per_second * Number(byId("dream-speed").value);
  }

  /** Begin at a real frame, with chance of its own. */
  async begin(index = this.startAt) {
    this.clock.stop();
    this.startAt = index;
    this.seed = (this.seed + 1) % 1e6;
    await this.dream.begin(index, this.seed);
    if (!this.dream.now) return; // another beginning was asked for meanwhile
    this.starts.mark(this.startAt);
    byId("dream").inert = false;
    this.show();
  }

  async again() {
    const { isPlaying } = this;
    await this.begin();
    if (isPlaying) this.play();
  }

  play() {
    this.screen.focus();
    this.pace = new Pace();
    this.drawn = 0;
    this.clock.start();
    this.show();
  }

  async playAgain() {
    if (this.dream.isOver) await this.begin();
    this.screen.bringIntoSight();
    this.play();
  }

  pause() {
    this.clock.stop();
    if (this.dream.now) this.show();
  }

  toggle() {
    if (this.isPlaying) this.pause();
    else this.playAgain();
  }

  letPlay(player) {
    this.players.choose(player);
    if (player && !this.isPlaying) this.playAgain();
  }

  /** You act: the dream is yours, and goes on; an action that is given is one decision. */
  async act(action = null) {
    this.players.choose(null);
    if (action) await this.single(action);
    else if (!this.isPlaying && !this.dream.isOver) this.play();
  }

  goTo(decision, branch = this.dream.branch) {
    this.clock.stop();
    this.dream.goTo(decision, branch);
    this.show();
  }

  back() {
    this.goTo(this.dream.at - 1);
  }

  /** The next decisions are taken at another temperature. */
  heat(temperature) {
    this.dream.temperature = temperature;
    this.screen.show();
  }

  async single(action = null) {
    this.pause();
    await this.step(action, true);
  }

  async tick() {
    await this.step();
    if (this.dream.isOver) this.pause();
  }

  /** Take one decision, after the one that is being taken; `isMust`: also where nobody acts or plays. */
  step(action = null, isMust = false) {
    return this.inTurn(async () => {
      const { dream, players } = this;
      const { now } = dream;
      if (dream.isOver) return;
      const begun = performance.now();
      const decision = action ? null : await players.decide(dream);
      // Whoever took over, went elsewhere or paused while an agent decided does not want it any more.
      if ((decision && decision.by !== players.now) || now !== dream.now || !(isMust || this.isPlaying)) return;
      const chosen = action ?? decision?.action ?? this.yours(isMust);
      if (!chosen) return;
      await dream.step(chosen, decision);
      this.pace.took(begun);
      if (this.isPlaying) this.showMoment();
      else this.show();
    });
  }

  /** What you do: what is held, nothing if the environment knows that, else what was done last. */
  yours(isMust) {
    return this.input.take() ?? this.dream.actions.idle ?? (isMust ? this.dream.now.action ?? [0] : null);
  }

  show() {
    this.showMoment();
    this.timeline.draw();
    this.screen.veil(this.isPlaying);
    write("dream-toggle", this.isPlaying ? "pause" : "play");
  }

  showMoment() {
    const { now, at } = this.dream;
    const led = at > 0 ? now : { action: null, decision: null }; // what led to a start is long past
    this.screen.show();
    this.input.show(led);
    this.players.show(led);
    this.meters.show();
    if (this.isPlaying && performance.now() - this.drawn > REDRAWN) {
      this.drawn = performance.now();
      this.timeline.draw();
      write("dream-rate", this.pace.words);
    }
  }
}
