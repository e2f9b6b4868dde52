/** Unpacks what the page carries; agents/explore/assets.py packs it. */

const LEFT_OUT = "\"&'/-$<\\`";
const DIGITS = new Uint8Array(128);
for (let code = 33, digit = 0; code < 127; code++) {
  if (!LEFT_OUT.includes(String.fromCharCode(code))) DIGITS[code] = digit++;
}

/** Five characters are four bytes; the first one says how many bytes were added. */
export function bytesOfText(text) {
  const missing = DIGITS[text.charCodeAt(0)];
  const words = (text.length - 1) / 5;
  const view = new DataView(new ArrayBuffer(4 * words));
  for (let word = 0, at = 1; word < words; word++) {
    let value = 0;
    for (let end = at + 5; at < end; at++) value = value * 85 + DIGITS[text.charCodeAt(at)];
    view.setUint32(4 * word, value);
  }
  return new Uint8Array(view.buffer, 0, 4 * words - missing);
}

async function unzipped(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Undo that first bytes of numbers are together, then second ones, and so on. */
function ungrouped(bytes, width) {
  if (width === 1) return bytes;
  const numbers = Math.floor(bytes.length / width);
  const result = new Uint8Array(bytes.length);
  for (let place = 0; place < width; place++) {
    for (let number = 0; number < numbers; number++) {
      result[number * width + place] = bytes[place * numbers + number];
    }
  }
  result.set(bytes.subarray(numbers * width), numbers * width);
  return result;
}

const TYPES = {
  bytes: Uint8Array, uint8: Uint8Array, bool: Uint8Array,
  float32: Float32Array, int32: Int32Array,
};

export const hasAsset = (name) => document.getElementById(`asset-${name}`) !== null;

/** Return an array {data, shape, row(i)}; its text is let go of, so that it is asked for once. */
export async function takeAsset(name) {
  const element = document.getElementById(`asset-${name}`);
  const { type, shape, width } = element.dataset;
  const text = element.textContent;
  element.remove();
  const bytes = ungrouped(await unzipped(bytesOfText(text)), Number(width));
  const data = new TYPES[type](bytes.buffer);
  return arrayOf(data, shape ? shape.split(",").map(Number) : [data.length]);
}

export function arrayOf(data, shape) {
  const size = shape.slice(1).reduce((product, side) => product * side, 1);
  return { data, shape, row: (index) => data.subarray(index * size, (index + 1) * size) };
}
