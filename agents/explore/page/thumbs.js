/** A row of small pictures to choose from. */

import { byId, make } from "./elements.js";
import { drawFrame } from "./pictures.js";

export class Thumbs {
  constructor(id, facts) {
    Object.assign(this, { facts, element: byId(id) });
  }

  /** Add a picture of a frame, which is chosen by a click; words are added below. */
  add(levels, label, onclick, ...words) {
    const canvas = make("canvas");
    drawFrame(canvas, levels, this.facts);
    this.element.append(make("button", {
      class: "thumb", title: label, "aria-label": label, "aria-pressed": false, onclick,
    }, canvas, ...words));
  }

  mark(chosen) {
    [...this.element.children].forEach((button, index) =>
      button.setAttribute("aria-pressed", index === chosen));
  }

  /** Mark the frame that is blended with the chosen one; null: none is. */
  markOther(other) {
    [...this.element.children].forEach((button, index) => button.classList.toggle("other", index === other));
  }
}
