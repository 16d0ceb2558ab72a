/* The model as the page sees it: photos in, people out, somewhere else. */

/** A photo that the memory does not hold. */
export class TooLarge extends Error {}

/** What the worker says, by the number of the question. */
const waiting = new Map();
let worker = null, asked = 0;
let opened = []; // backend and folder of the model in use

function ask(question, transfer = []) {
  worker ??= startWorker();
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
export async function openSegmenter(backend, folder = "model") {
  const facts = await ask({ job: "open", backend, folder });
  opened = [backend, folder];
  return facts;
}

function startWorker() {
  const started = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  started.addEventListener("message", ({ data: { id, result, failure, tooLarge } }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (failure === undefined) resolve(result);
    else reject(new (tooLarge ? TooLarge : Error)(failure));
  });
  started.addEventListener("error", (event) => {
    event.preventDefault();
    // It would never answer again: what is asked next starts another one.
    started.terminate();
    worker = null;
    const failure = new Error(`The model could not be started (${event.message || "its files are missing or this browser is too old"}). Reload the page, or try a current browser.`);
    for (const { reject } of waiting.values()) reject(failure);
    waiting.clear();
  });
  return started;
}

/**
 * Cut the people out of a photo.
 *
 * @param {ImageBitmap} bitmap is closed
 * @returns {Promise<{width: number, height: number, cutout: Uint8ClampedArray, mask: Uint8Array,
 *   took: number, backend: string, threads: number}>} RGBA of the person; 1 for the person;
 *   milliseconds; on what it ran
 */
export async function segment(bitmap) {
  // A worker that ended took its model along.
  if (!worker) await openSegmenter(...opened);
  return ask({ job: "run", bitmap }, [bitmap]);
}
