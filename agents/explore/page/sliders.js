/** A slider for each latent, in deviations of the training frames; those first that tell most. */

import { byId, decimalsOf, fixed, make, signed } from "./elements.js";

const SHOWN = 12; // sliders before "the other latents"
const REACH = 3; // deviations to each side, unless a code is farther out

export class LatentSliders {
  /** `onMove` is called with a latent and its deviations, `onTouch` with a latent. */
  constructor({ latents, has_prior: hasPrior }, { onMove, onTouch }) {
    Object.assign(this, { latents, hasPrior });
    this.rows = latents.map((_, z) => this.row(z, onMove, onTouch));
    const weight = ({ nats, std }) => (hasPrior ? nats : std);
    this.order = latents.map((_, z) => z).sort((a, b) => weight(latents[b]) - weight(latents[a]));
    const rows = this.order.map((z) => this.rows[z].row);
    byId("code-latents").append(...rows.slice(0, SHOWN));
    byId("code-rest").append(...rows.slice(SHOWN));
    byId("code-more").hidden = rows.length <= SHOWN;
    byId("code-more").querySelector("summary").textContent = `the other ${rows.length - SHOWN} latents`;
  }

  row(z, onMove, onTouch) {
    const { subject, r2, nats, std } = this.latents[z];
    const about = subject ? `${subject}, R² ${fixed(r2, 2)}` : "";
    const input = make("input", {
      type: "range", min: -REACH, max: REACH, step: 0.05, "aria-label": `latent ${z}${about && `, ${about}`}`,
      oninput: () => onMove(z, Number(input.value)), onfocus: () => onTouch(z), onpointerdown: () => onTouch(z),
    });
    const value = make("output");
    const spread = fixed(std, Math.max(2, decimalsOf(std / 10)));
    const weight = make("small", {}, this.hasPrior ? `${fixed(nats, 2)} nats` : `± ${spread}`);
    const row = make("label", { class: "latent" },
      make("span", { class: "name" }, `z${z} `, weight), input, value, make("span", { class: "about" }, about));
    return { row, input, value };
  }

  /** Show one latent of a code. */
  show(z, code) {
    const { mean, std } = this.latents[z];
    const deviations = std > 0 ? (code[z] - mean) / std : 0;
    const { input, value } = this.rows[z];
    const reach = Math.max(REACH, Math.ceil(Math.abs(deviations)));
    Object.assign(input, { min: -reach, max: reach, value: deviations });
    value.textContent = signed(deviations);
  }

  showAll(code) {
    for (const z of this.order) this.show(z, code);
  }

  mark(touched) {
    this.rows.forEach(({ row }, z) => row.classList.toggle("touched", z === touched));
  }
}
