/** Starts the page: first what needs no network, then the runtime, then each section. */

import { makeActions } from "./actions.js";
import { Agent } from "./agent.js";
import { takeAsset } from "./assets.js";
import { Clock } from "./clock.js";
import { CodeView } from "./code_view.js";
import { Dream } from "./dream.js";
import { DreamView } from "./dream_view.js";
import { Dynamics } from "./dynamics.js";
import { byId, fixed } from "./elements.js";
import { Encoder } from "./encoder.js";
import { measure } from "./measure.js";
import { Random } from "./random.js";
import { Network, startRuntime } from "./runtime.js";
import { drawChange } from "./sampling.js";
import { Twin } from "./twin.js";
import { TwinView } from "./twin_view.js";

/** Start, and return what is there once the dream can be played and the code be moved. */
async function main() {
  const contents = JSON.parse(byId("contents").textContent);
  const api = { contents, Random, Network, Encoder, Dynamics, Clock, drawChange, makeActions };
  api.moments = await takeAsset("moments");
  api.code = new CodeView(contents.code, api.moments, new Random(Date.now()));
  await new Promise((drawn) => setTimeout(drawn)); // the frames are seen before the networks load
  await startRuntime();
  api.encoder = await Encoder.load(contents.code);
  api.agents = contents.agents.map((facts) => new Agent(facts));
  if (contents.dream) await startDream(contents, api);
  else api.code.letDecide(api.agents);
  await api.code.start(api.encoder);
  api.measure = (parts = api, times = 40) => measure(parts, times);
  byId("measure").onclick = () => showSpeed(api);
  byId("loading").remove();
  if (contents.twins.length) api.twinsReady = startTwins(contents, api);
  return api;
}

async function showSpeed(api) {
  api.view?.pause();
  byId("measured").textContent = "measuring …";
  const { milliseconds, framesPerSecond } = await api.measure();
  const parts = Object.entries(milliseconds).map(([name, each]) => `${name} ${fixed(each, 1)} ms`);
  byId("measured").textContent = `${fixed(framesPerSecond, 0)} frames a second: ${parts.join(", ")}`;
}

async function startDream(contents, api) {
  const [codes, actions, before] = await Promise.all(
    ["codes", "actions", "before"].map((name) => takeAsset(`starts-${name}`)));
  api.dynamics = await Dynamics.load(contents.dream);
  api.actions = makeActions(contents.dream.actions);
  api.dream = new Dream({
    encoder: api.encoder, dynamics: api.dynamics, actions: api.actions,
    starts: { codes, actions, before },
  });
  api.view = new DreamView(contents.code, api.dream, api.moments, api.agents);
  await api.view.begin();
}

async function startTwins(contents, api) {
  const { encoder, dynamics, actions } = api;
  const twins = [];
  for (const facts of contents.twins) twins.push(await Twin.load(facts, { encoder, dynamics, actionSpace: actions }));
  const view = new TwinView(contents.code, twins);
  await view.choose(0);
  return view;
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
