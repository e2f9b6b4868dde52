/** The numbers beside the dream. */

import { byId, decimalsOf, fixed, make, percent, signed, write } from "./elements.js";

const MOST_NUMBERS = 6; // of one key

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
    write("meter-reward", signed(now.reward, dynamics.rewardDecimals));
    write("meter-total", signed(now.total, dynamics.rewardDecimals));
    write("meter-end", percent(now.endProbability));
    write("meter-disagreement", fixed(now.disagreement, 2));
    dynamics.keysOf(now.code).forEach(({ values }, place) => {
      this.keys[place].textContent = keyWords(dynamics.facts.keys[place], values);
    });
    const { members } = dynamics.facts;
    write("dream-seed", `seed ${seed}${members > 1 ? `, member ${member + 1} of ${members}` : ""}`);
  }
}

/** The values of a key as text: the choice that they stand for, or else the first numbers. */
function keyWords({ is_choice: isChoice, steps }, values) {
  const chosen = isChoice ? choiceOf(values) : -1;
  if (chosen >= 0) return `choice ${chosen}`;
  return values.slice(0, MOST_NUMBERS).map((value, at) => fixed(value, decimalsOf(steps[at]))).join(", ");
}

/** The place of the only 1 among zeros; -1 where a dream has left what is possible. */
function choiceOf(values) {
  const whole = values.map(Math.round);
  const isOne = whole.every((value) => value === 0 || value === 1) && whole.reduce((sum, one) => sum + one) === 1;
  return isOne ? whole.indexOf(1) : -1;
}
