/** Who plays the dream: you, or one of the agents. */

import { byId, fixed, make, percent, signed, write } from "./elements.js";

const LATE = 250; // milliseconds after which it is said that an agent is not ready yet

export class Players {
  /** `onChoose` is called with the agent that is to play, or null: you. */
  constructor(agents, actions, onChoose) {
    Object.assign(this, { actions, now: null });
    this.buttons = [null, ...agents].map((player) => ({ player, button: make("button", {
      "aria-pressed": player === null, title: player?.title ?? "by keys or buttons",
      onclick: () => onChoose(player),
    }, player?.name ?? "you") }));
    byId("dream-players").append(...this.buttons.map(({ button }) => button));
    byId("dream-players").hidden = !agents.length;
    this.samples = byId("dream-samples");
    this.samples.querySelector("input").onchange = (event) => {
      if (this.now) this.now.samples = event.target.checked;
    };
  }

  choose(player) {
    this.now = player;
    for (const { player: one, button } of this.buttons) button.setAttribute("aria-pressed", one === player);
    this.samples.hidden = !player?.facts.noise;
    if (player) this.samples.querySelector("input").checked = player.samples;
  }

  /** Let the agent decide who plays; null if it is you. */
  async decide(dream) {
    const by = this.now;
    if (!by) return null;
    const late = setTimeout(() => write("dream-decides", `${by.name} takes in what was before …`), LATE);
    try {
      return { by, ...await by.decide(dream) };
    } finally {
      clearTimeout(late);
    }
  }

  /** Say what an agent did, and how sure it was; nothing of what you did. */
  show({ decision }) {
    write("dream-decides", decision ? `${decision.by.name}: ${this.says(decision)}` : "");
  }

  says({ action, probabilities, mean, deviation }) {
    if (mean) {
      const { meanDecimals } = this.actions;
      const about = (value, axis) => signed(value, meanDecimals[axis])
        + (deviation ? ` ± ${fixed(deviation[axis], meanDecimals[axis])}` : "");
      return `mean ${mean.slice(0, 4).map(about).join(", ")}`;
    }
    const done = this.actions.describe(action);
    return probabilities ? `${done} (probability ${percent(probabilities[action[0]])})` : done;
  }
}
