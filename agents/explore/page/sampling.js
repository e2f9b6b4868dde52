/** Draws of what dynamics predict, as worldvae.dynamics.heads draws them. */

/** Draw a component by weights to the power 1 / temperature; at 0 it is the heaviest. */
export function drawComponent(logWeights, temperature, noise) {
  let heaviest = 0;
  logWeights.forEach((weight, index) => {
    if (weight > logWeights[heaviest]) heaviest = index;
  });
  if (temperature === 0 || logWeights.length === 1) return heaviest;
  const weights = logWeights.map((weight) => Math.exp((weight - logWeights[heaviest]) / temperature));
  const drawn = noise.uniform() * weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  for (let index = 0; index < weights.length - 1; index++) {
    sum += weights[index];
    if (sum >= drawn) return index;
  }
  return weights.length - 1;
}

/** Draw how each latent changes, and then each key, whose rates are those of temperature 1. */
export function drawChange(prediction, temperature, noise) {
  const { logWeights, means, deviations, keyLogWeights, keyValues } = prediction;
  const latents = logWeights.map((weights, z) => {
    const chosen = drawComponent(weights, temperature, noise);
    const spread = temperature === 0 ? 0 : Math.sqrt(temperature) * deviations[z][chosen];
    return means[z][chosen] + (spread === 0 ? 0 : spread * noise.normal());
  });
  const keys = keyLogWeights.map((weights, x) => keyValues[x][drawComponent(weights, 1, noise)]);
  return [...latents, ...keys];
}

/** Draw which place of a list of chances is 1; the others are 0. */
export function drawPlace(chances, noise) {
  let left = noise.uniform() * chances.reduce((sum, chance) => sum + chance, 0);
  let chosen = 0;
  while (chosen < chances.length - 1 && chances[chosen] < left) left -= chances[chosen++];
  return chances.map((_, place) => Number(place === chosen));
}

/** The expected change of each latent and key. */
export function meanChange({ logWeights, means, keyLogWeights, keyValues }) {
  const mean = (weights, values) => weights.reduce((sum, w, j) => sum + Math.exp(w) * values[j], 0);
  return [
    ...logWeights.map((weights, z) => mean(weights, means[z])),
    ...keyLogWeights.map((weights, x) => mean(weights, keyValues[x])),
  ];
}
