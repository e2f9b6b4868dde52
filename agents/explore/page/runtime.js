/** Runs networks with onnxruntime-web, whose build the page carries. */

import { takeAsset } from "./assets.js";
import { oneAtATime } from "./elements.js";

export async function startRuntime() {
  const [wasm, module] = await Promise.all([takeAsset("ort-wasm"), takeAsset("ort-module")]);
  const script = new Blob([module.data], { type: "text/javascript" });
  ort.env.wasm.numThreads = 1; // a page from the disk may not share memory between threads
  ort.env.wasm.wasmBinary = wasm.data.buffer;
  ort.env.wasm.wasmPaths = { mjs: URL.createObjectURL(script) };
  ort.env.logLevel = "error";
}

const inTurn = oneAtATime();

export class Network {
  constructor(session) {
    this.session = session;
    this.inputs = session.inputNames;
  }

  static async load(name) {
    const { data } = await takeAsset(name);
    return new Network(await ort.InferenceSession.create(data));
  }

  /** Return {type, shape} of an input; a side that may be of any size is a name. */
  input(name) {
    return this.session.inputMetadata.find((one) => one.name === name);
  }

  /** Run on {name: tensor}, after the networks that run already; return {name: tensor}. */
  run(feeds) {
    return inTurn(() => this.session.run(feeds));
  }
}

export const floats = (data, ...shape) =>
  new ort.Tensor("float32", data instanceof Float32Array ? data : Float32Array.from(data), shape);
export const bytes = (data, ...shape) => new ort.Tensor("uint8", data, shape);
export const choices = (...numbers) =>
  new ort.Tensor("int64", BigInt64Array.from(numbers, BigInt), [numbers.length]);
export const flags = (...values) =>
  new ort.Tensor("bool", Uint8Array.from(values, Number), [values.length]);
