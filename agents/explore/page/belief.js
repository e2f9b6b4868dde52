/** How far a moment of a dream can be believed. */

import { fixed } from "./elements.js";

const SAME = 0.005; // difference of temperatures that are shown alike

/** Return {isDoubted, words}, by what the fidelity check says and by how much members disagree. */
export function beliefOf({ now, at, temperature, dynamics }) {
  const { trust, max_disagreement: most, members } = dynamics.facts;
  if (most !== null && members > 1 && now.disagreement > most) {
    return { isDoubted: true, words: "Do not believe this: the members disagree." };
  }
  if (!trust) return { isDoubted: false, words: "Nobody has checked how far this dream can be believed." };
  const isOther = Math.abs(temperature - trust.temperature) > SAME;
  const where = isOther
    ? ` The check was at temperature ${fixed(trust.temperature, 2)}, here it is ${fixed(temperature, 2)}.`
    : "";
  const isDoubted = at > trust.horizon;
  return { isDoubted, words: wordsOf(trust, isDoubted) + where };
}

function wordsOf({ horizon, judged, verdict }, isDoubted) {
  if (horizon === 0) return "Do not believe this: the fidelity check trusts no decision of this dream.";
  if (!isDoubted) {
    const faults = verdict === "trusted" ? "" : ", but finds faults in it (fidelity.html)";
    return `The fidelity check trusts the first ${horizon} decisions of this dream${faults}.`;
  }
  if (horizon < judged) return `Do not believe this: the fidelity check trusts the first ${horizon} decisions alone.`;
  return `Do not rely on this: the fidelity check judged the first ${judged} decisions alone, and trusted them.`;
}
