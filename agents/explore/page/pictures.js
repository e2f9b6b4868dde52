/** Frames on canvases. */

export const toLevels = (picture) => Uint8ClampedArray.from(picture, (value) => Math.round(255 * value));

/** Draw a frame of grey levels (H, W, C); of a stack of frames in its channels, the newest. */
export function drawFrame(canvas, levels, { height, width, channels }) {
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const all = levels.length / (height * width);
  const image = new ImageData(width, height);
  for (let pixel = 0; pixel < height * width; pixel++) {
    const from = pixel * all + all - channels;
    for (let colour = 0; colour < 3; colour++) {
      image.data[4 * pixel + colour] = levels[from + (channels === 3 ? colour : 0)];
    }
    image.data[4 * pixel + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Mean squared error of two frames of grey levels in units of white; the first may be a stack. */
export function frameError(stack, levels, { height, width, channels }) {
  const all = stack.length / (height * width);
  let sum = 0;
  for (let pixel = 0; pixel < height * width; pixel++) {
    for (let channel = 0; channel < channels; channel++) {
      const real = stack[pixel * all + all - channels + channel];
      sum += (real - levels[pixel * channels + channel]) ** 2;
    }
  }
  return sum / (height * width * channels * 255 ** 2);
}
