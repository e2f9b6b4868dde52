/** What is pressed: keys, and fingers on the page. */

/** Presses in their order; one that ends before anybody looks counts once. */
export class Presses {
  constructor() {
    this.all = new Map(); // source, such as a key's code or a pointer's number -> press
  }

  isHeld(source) {
    return this.all.get(source)?.isOver === false;
  }

  begin(source, value) {
    this.all.delete(source); // so that it is the newest
    this.all.set(source, { value, isSeen: false, isOver: false });
  }

  /** What is pressed is another thing now: a finger has moved. */
  change(source, value) {
    const press = this.all.get(source);
    if (press && !press.isOver) press.value = value;
  }

  end(source) {
    const press = this.all.get(source);
    if (press?.isSeen) this.all.delete(source);
    else if (press) press.isOver = true;
  }

  clear() {
    this.all.clear();
  }

  /** Return what is pressed or was since the last call, the newest last. */
  take() {
    const values = [];
    for (const [source, press] of this.all) {
      values.push(press.value);
      press.isSeen = true;
      if (press.isOver) this.all.delete(source);
    }
    return values;
  }
}
