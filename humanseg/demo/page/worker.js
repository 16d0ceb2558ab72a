/* Beside the page's own thread, so that the page stays quick: a photo in, the person out. */

import { reduce, reducedSize } from "./area.js";
import { cutOut, hide } from "./cutout.js";
import { refine } from "./edges.js";
import { openModel } from "./model.js";

/** The models that were opened, by their folders: going back to one takes no time. */
const opened = new Map();
let model;

/** What is drawn, and how far from it a colour may be read: some browsers add a little noise. */
const TINT = [60, 140, 80], NOISE = 8;

/** Raise where a browser gives pages other pixels than were drawn, so that none can be told apart. */
function requireTruePixels() {
  const context = new OffscreenCanvas(8, 8).getContext("2d", { willReadFrequently: true });
  context.fillStyle = `rgb(${TINT})`;
  context.fillRect(0, 0, 8, 8);
  const { data } = context.getImageData(0, 0, 8, 8);
  if (data.every((level, at) => at % 4 === 3 || Math.abs(level - TINT[at % 4]) <= NOISE)) return;
  throw new Error("This browser hides the pixels of photos from pages, as a protection against fingerprinting: let this page read canvases, or try another browser.");
}

async function open({ backend, folder }) {
  requireTruePixels();
  if (!opened.has(folder)) opened.set(folder, await openModel(backend, folder));
  model = opened.get(folder);
  const { name, long_side: longSide } = model.manifest;
  return { name, longSide, backend: model.backend, threads: model.threads };
}

async function run({ bitmap }) {
  // Another may be chosen meanwhile.
  const used = model, { manifest } = used;
  const begin = performance.now();
  const size = [bitmap.width, bitmap.height];
  const { pixels, visible } = read(bitmap);
  const small = reducedSize(...size, manifest.long_side);
  const planes = reduce(pixels, size, small);
  const coarse = await used.run(planes, small).catch((error) => {
    if (error instanceof RangeError) throw error;
    throw new Error(`The model failed on this photo (${error.message ?? error}). Reload the page, which starts it again.`);
  });
  const probability = refine(coarse, planes, small, pixels, size);
  const scale = size[0] / small[0];
  const result = cutOut(pixels, probability, manifest.threshold, size, scale);
  if (visible) hide(result, visible, probability, manifest.threshold);
  const { backend, threads } = used;
  return { ...result, width: size[0], height: size[1], took: performance.now() - begin, backend, threads };
}

let canvas;

function read(bitmap) {
  const { width, height } = bitmap;
  if (canvas?.width !== width || canvas.height !== height) canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.clearRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  const own = context.getImageData(0, 0, width, height).data;
  let opaque = true;
  for (let at = 3; opaque && at < own.length; at += 4) opaque = own[at] === 255;
  if (opaque) {
    bitmap.close();
    return { pixels: own, visible: null };
  }
  // The model sees white where a photo is transparent, as most viewers show it.
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { pixels: context.getImageData(0, 0, width, height).data, visible: own };
}

const jobs = { open, run };

self.addEventListener("message", async ({ data }) => {
  try {
    const result = await jobs[data.job](data);
    const buffers = [result.cutout?.buffer, result.mask?.buffer].filter(Boolean);
    self.postMessage({ id: data.id, result }, buffers);
  } catch (error) {
    // What browsers raise where an array or a canvas finds no room.
    const tooLarge = error instanceof RangeError || ["IndexSizeError", "InvalidStateError"].includes(error.name);
    self.postMessage({ id: data.id, failure: error.message || String(error), tooLarge });
  }
});
