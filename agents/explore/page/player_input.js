/** What you do: keys that are held, and buttons or a pad for fingers. */

import { keyOf } from "./actions.js";
import { ChoiceControls, NumberControls } from "./controls.js";
import { byId } from "./elements.js";
import { Presses } from "./presses.js";

const COMMANDS = { p: "toggle", " ": "toggle", n: "single", r: "again", ",": "back" };
const REPEATED = ["single", "back"]; // as long as their keys are held

export class PlayerInput {
  /** `onAct` is called when you begin to act, with an action for one decision or none; `onCommand` with a name. */
  constructor(actions, { onAct, onCommand, isPlaying }) {
    Object.assign(this, { actions, onAct, onCommand, isPlaying, keys: new Presses() });
    const Controls = "count" in actions ? ChoiceControls : NumberControls;
    this.controls = new Controls(actions, onAct);
    byId("dream-actions").append(this.controls.element);
    window.addEventListener("keydown", (event) => this.down(event));
    window.addEventListener("keyup", (event) => this.keys.end(codeOf(event)));
    window.addEventListener("blur", () => this.keys.clear());
  }

  down(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.listens(event.target)) return;
    const key = keyOf(event);
    if (key === " " && event.target.closest("button")) return; // it presses the button
    if (this.actions.takes(key)) {
      event.preventDefault();
      if (!this.keys.isHeld(codeOf(event))) this.keys.begin(codeOf(event), key);
      if (!event.repeat) this.onAct();
      return;
    }
    const command = COMMANDS[event.key.toLowerCase()];
    if (!command) return;
    event.preventDefault();
    if (!event.repeat || REPEATED.includes(command)) this.onCommand(command);
  }

  /** Keys are the dream's inside of its section, and while it plays; sliders and lists keep theirs. */
  listens(target) {
    if (target.closest("input, select, textarea")) return false;
    return byId("dream").contains(target) || target === document.body && this.isPlaying();
  }

  /** Return what is asked for, by fingers or else by keys; null if nothing is. */
  take() {
    return this.controls.take() ?? this.actions.ofKeys(this.keys.take());
  }

  /** Show what was done, by whomever. */
  show({ action, decision }) {
    this.controls.show(action, decision);
  }
}

/** A key whatever Shift makes of it, so that its end is known as that of its beginning. */
const codeOf = (event) => event.code || event.key;
