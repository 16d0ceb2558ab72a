/* The model as the page sees it: photos in, people out, somewhere else. */

/** A photo that the memory does not hold. */
export class TooLarge extends Error {}

/** What the worker says, by the number of the question. */
const waiting = new Map();
let worker, asked = 0;

function ask(question, transfer = []) {
  const id = ++asked;
  worker.postMessage({ ...question, id }, transfer);
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

/**
 * Load a model, which is used from then on.
 *
 * @param {string} backend "webgpu", "wasm", or "" for what is best
 * @param {string} folder where the model is
 * @returns {Promise<{name: string, longSide: number, backend: string, threads: number}>}
 */
export function openSegmenter(backend, folder = "model") {
  if (!worker) startWorker();
  return ask({ job: "open", backend, folder });
}

function startWorker() {
  worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  worker.addEventListener("message", ({ data: { id, result, failure, tooLarge } }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (failure === undefined) resolve(result);
    else reject(new (tooLarge ? TooLarge : Error)(failure));
  });
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    const failure = new Error(`The model could not be started (${event.message || "its files are missing or this browser is too old"}). Reload the page, or try a current browser.`);
    for (const { reject } of waiting.values()) reject(failure);
    waiting.clear();
  });
}

/**
 * Cut the people out of a photo.
 *
 * @param {ImageBitmap} bitmap is closed
 * @returns {Promise<{width: number, height: number, cutout: Uint8ClampedArray, mask: Uint8Array,
 *   took: number}>} RGBA of the person; 1 for the person; milliseconds
 */
export const segment = (bitmap) => ask({ job: "run", bitmap }, [bitmap]);
