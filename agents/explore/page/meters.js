/** The numbers beside the dream. */

import { byId, make, percent, signed, write } from "./elements.js";

export class Meters {
  constructor(dream) {
    this.dream = dream;
    const isAlone = dream.dynamics.facts.members === 1; // which cannot disagree
    for (const element of document.querySelectorAll("#dream .apart")) element.hidden = isAlone;
    this.keys = dream.dynamics.facts.keys.map(({ name }) => {
      const value = make("dd");
      byId("meter-keys").append(make("div", {}, make("dt", {}, name), value));
      return value;
    });
  }

  show() {
    const { now, at, seed, member, dynamics } = this.dream;
    write("meter-decision", at);
    write("meter-reward", signed(now.reward));
    write("meter-total", signed(now.total));
    write("meter-end", percent(now.endProbability));
    write("meter-disagreement", now.disagreement.toFixed(2));
    dynamics.keysOf(now.code).forEach(({ values }, place) => {
      this.keys[place].textContent = values.slice(0, 6).map((value) => value.toFixed(1)).join(", ");
    });
    const { members } = dynamics.facts;
    write("dream-seed", `seed ${seed}${members > 1 ? `, member ${member + 1} of ${members}` : ""}`);
  }
}
