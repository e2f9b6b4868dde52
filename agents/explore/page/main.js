/** Starts the page: first what needs no network, then the runtime, then each section. */

import { takeAsset, arrayOf } from "./assets.js";
import { CodeView } from "./code_view.js";
import { byId } from "./elements.js";
import { Encoder } from "./encoder.js";
import { Random } from "./random.js";
import { startRuntime } from "./runtime.js";

async function main() {
  const contents = JSON.parse(byId("contents").textContent);
  const api = { contents, Random };
  const moments = await takeAsset("moments");
  const code = new CodeView(contents.code, moments, new Random(Date.now()));
  await new Promise((drawn) => setTimeout(drawn)); // the frames are seen before the networks load
  await startRuntime();
  api.encoder = await Encoder.load(contents.code);
  api.moments = moments;
  api.code = code;
  await code.start(api.encoder);
  byId("loading").remove();
  return api;
}

/** What tests and curious readers may call. */
window.worldvae = { ready: main() };
window.worldvae.ready.then(
  (api) => Object.assign(window.worldvae, api),
  (error) => {
    byId("loading").textContent = `This browser cannot run the page: ${error.message ?? error}`;
    byId("loading").classList.add("failed");
    throw error;
  },
);
