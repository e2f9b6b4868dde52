/** The slider of a temperature, and the number beside it. */

import { byId, fixed, write } from "./elements.js";

/** Begin at `temperature`, and call `onChange` with each that is chosen. */
export function startTemperature(section, temperature, onChange) {
  const slider = byId(`${section}-temperature`);
  const say = (value) => write(`${section}-heat`, fixed(value, 2));
  slider.max = Math.max(2, temperature);
  slider.value = temperature;
  slider.oninput = () => {
    say(Number(slider.value));
    onChange(Number(slider.value));
  };
  say(temperature);
}
