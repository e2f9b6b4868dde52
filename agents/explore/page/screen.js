/** The screen of the dream: its picture, how far it is believed, and what lies over it while nobody plays. */

import { beliefOf } from "./belief.js";
import { byId, percent, write } from "./elements.js";
import { drawFrame } from "./pictures.js";

export class Screen {
  constructor(facts, dream) {
    Object.assign(this, { facts, dream, element: byId("dream-screen") });
  }

  /** Let keys act. */
  focus() {
    this.element.focus({ preventScroll: true });
  }

  /** Scroll as little as shows it, and as far as the window is high enough what one acts with. */
  bringIntoSight() {
    for (const element of [byId("dream-actions"), this.element]) element.scrollIntoView({ block: "nearest" });
  }

  show() {
    drawFrame(byId("dream-canvas"), this.dream.now.levels, this.facts);
    const { isDoubted, words } = beliefOf(this.dream);
    this.element.classList.toggle("unbelievable", isDoubted);
    write("dream-belief", words);
  }

  /** Cover it where a dream begins or is over. */
  veil(isPlaying) {
    const { isOver, now, at } = this.dream;
    byId("dream-veil").hidden = isPlaying || (at > 0 && !isOver);
    write("dream-begin", isOver ? "dream again" : "play");
    write("dream-veil-words", now.ended
      ? `the episode ended here (probability ${percent(now.endProbability)})`
      : isOver ? "the page keeps no longer dream than this" : "");
  }
}
