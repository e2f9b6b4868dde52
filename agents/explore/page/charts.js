/** Drawing on canvases that are as wide as the page lets them be. */

/** Return {context, width} of a canvas that fills its parent's width and is so many pixels high. */
export function sized(canvas, height) {
  const width = canvas.parentElement.clientWidth;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.imageSmoothingEnabled = false;
  return { context, width };
}

/** A colour of the style sheet, in the reader's own scheme. */
export const colour = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Call `draw` where the width or the reader's scheme becomes another one: a canvas does not follow them. */
export function redrawn(element, draw) {
  new ResizeObserver(draw).observe(element);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}

/** The decision that a click means on what is `length` decisions wide. */
export function decisionAt(event, length) {
  const box = event.currentTarget.getBoundingClientRect();
  return Math.round(((event.clientX - box.left) / box.width) * length);
}

/** A chart of values over decisions 0 to `length`. */
export class Chart {
  constructor(canvas, height, length) {
    Object.assign(this, { height, length, ...sized(canvas, height) });
  }

  x(decision) {
    return (decision / this.length) * (this.width - 2) + 1;
  }

  /** Shade what is after a decision: nobody should believe it. */
  doubt(decision) {
    if (decision >= this.length) return;
    this.context.fillStyle = colour("bad");
    this.context.globalAlpha = 0.1;
    this.context.fillRect(this.x(decision), 0, this.width, this.height);
    this.context.globalAlpha = 1;
  }

  /** Draw a line of values from 0 to `most`. */
  line(values, most, name) {
    const { context, height } = this;
    context.strokeStyle = colour(name);
    context.lineWidth = 1.6;
    context.beginPath();
    values.forEach((value, decision) =>
      context.lineTo(this.x(decision), height - 2 - (value / most) * (height - 5)));
    context.stroke();
  }

  /** Draw a bar for each value, up or down from the middle. */
  bars(values, most, name) {
    const { context, height } = this;
    context.fillStyle = colour(name);
    values.forEach((value, decision) => {
      const tall = (Math.abs(value) / most) * (height / 2 - 4);
      context.fillRect(this.x(decision) - 1, value > 0 ? height / 2 - tall : height / 2, 2, tall);
    });
  }

  cursor(decision) {
    this.context.fillStyle = colour("ink");
    this.context.fillRect(this.x(decision) - 0.75, 0, 1.5, this.height);
  }
}
