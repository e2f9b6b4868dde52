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

export function signed(value, digits = 2) {
  const size = Math.abs(value).toFixed(digits);
  if (Number(size) === 0) return size;
  return (value < 0 ? "−" : "+") + size;
}

export const percent = (share) =>
  share > 0 && share < 0.01 ? `${(100 * share).toFixed(1)} %` : `${Math.round(100 * share)} %`;
