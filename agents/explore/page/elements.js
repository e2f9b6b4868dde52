/** Small helpers for elements of the page. */

export const byId = (id) => document.getElementById(id);

/** make("button", {class: "chip", onclick: f}, "text", child) */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.startsWith("aria-")) element.setAttribute(name, value); // false is a value of these
    else if (value !== false && value !== undefined) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** Write a text, unless it is there already: what reads the page aloud would say it again. */
export function write(id, text) {
  const element = byId(id);
  if (element.textContent !== String(text)) element.textContent = text;
}

/** Return what runs asynchronous functions one after the other, and resolves to what they return. */
export function oneAtATime() {
  let last = Promise.resolve();
  return (task) => {
    const done = last.then(task);
    last = done.catch(() => {}); // whoever waits for `done` is told
    return done;
  };
}

/** Call `draw` with the newest arguments alone: what comes while it works waits, and only the last. */
export function newestOnly(draw) {
  let waiting = null;
  let busy = false;
  return async function ask(...given) {
    waiting = given;
    if (busy) return;
    busy = true;
    try {
      while (waiting) {
        const now = waiting;
        waiting = null;
        await draw(...now);
      }
    } finally {
      busy = false;
    }
  };
}

/** Pause what plays once its screen has been scrolled out of sight. */
export function pausedUnseen(screen, player) {
  new IntersectionObserver(([{ isIntersecting }]) => {
    if (!isIntersecting && player.isPlaying) player.pause();
  }).observe(screen);
}

const MOST_DECIMALS = 6; // numbers of networks are not exact beyond

/** A number with so many decimals: "−0.50", but never "−0.00". */
export function fixed(value, decimals) {
  const size = Math.abs(value).toFixed(decimals);
  return (value < 0 && Number(size) !== 0 ? "−" : "") + size;
}

/** The same with a sign before what is above 0, too. */
export function signed(value, decimals = 2) {
  const words = fixed(value, decimals);
  return (value > 0 && Number(words) !== 0 ? "+" : "") + words;
}

/** The decimals with which a difference of this size is seen: three for 0.006. */
export function decimalsOf(difference) {
  if (!(difference > 0)) return 0;
  const wanted = -Math.floor(Math.log10(difference) + 1e-4); // float32 has 0.01 as 0.00999…
  return Math.min(Math.max(wanted, 0), MOST_DECIMALS);
}

export const percent = (share) => `${fixed(100 * share, share > 0 && share < 0.01 ? 1 : 0)} %`;
