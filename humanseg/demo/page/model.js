/* The model in onnxruntime-web, on WebGPU where that gives the same as WebAssembly. */

const FORMAT = 1;
const TRIAL = [64, 48];
/** WebGPU rounds otherwise than a processor; a larger difference is a wrong result. */
const TOLERANCE = 0.02;
/** What each build of the runtime loads. */
const PARTS = {
  "ort.wasm.min.js": "ort-wasm-simd-threaded",
  "ort.webgpu.min.js": "ort-wasm-simd-threaded.asyncify",
};

/**
 * Load a model that the page brings.
 *
 * @param {string} wanted "webgpu", "wasm", or "" for what is best
 * @param {string} folder where the model and its manifest lie
 * @returns {Promise<{manifest: object, backend: string, threads: number, run: Function}>}
 *   run(planes, [width, height]) resolves to the probability, Float32Array height × width
 */
export async function openModel(wanted, folder) {
  const manifest = await loadManifest(folder);
  const file = Object.keys(manifest.files).find((name) => name.endsWith(".onnx"));
  const [bytes, runtime] = await Promise.all([
    load(`${folder}/${encodeURIComponent(file)}`).then((response) => response.arrayBuffer()),
    load("runtime/files.json").then((response) => response.json()),
  ]);
  const threads = threadCount();
  const onProcessor = async () => ({ backend: "WebAssembly", threads, run: await openOnProcessor(bytes, manifest, threads) });
  const model = { manifest };
  if (wanted !== "wasm" && runtime.includes("ort.webgpu.min.js")) {
    const run = await openOnWebGpu(bytes, manifest, threads, wanted === "webgpu");
    if (run) return Object.assign(model, { backend: "WebGPU", threads: 0, run: orElse(run, model, onProcessor) });
  }
  return Object.assign(model, await onProcessor());
}

async function openOnProcessor(bytes, manifest, threads) {
  try {
    const ort = await start("ort.wasm.min.js", threads);
    const run = runner(ort, await create(ort, bytes, "wasm"), manifest);
    // A model that cannot run says so here, and the first photo finds it warm.
    await run(trialPhoto(), TRIAL);
    return run;
  } catch (error) {
    throw new Error(`The model could not be opened (${error.message ?? error}). Try a current browser; if that does not help, export the model again.`);
  }
}

/** Let a processor take over where a GPU fails on the way: drivers restart, and computers sleep. */
function orElse(run, model, onProcessor) {
  let instead;
  return async (planes, size) => {
    try {
      return await run(planes, size);
    } catch (error) {
      console.warn(`WebGPU has failed: WebAssembly is used. ${error.message ?? error}`);
      Object.assign(model, await (instead ??= onProcessor()));
      return model.run(planes, size);
    }
  };
}

async function loadManifest(folder) {
  const manifest = await (await load(`${folder}/manifest.json`)).json();
  if (manifest.format !== FORMAT) {
    throw new Error(`The model is written in format ${manifest.format}, and this page knows format ${FORMAT} only: build the page again with the humanseg that wrote the model.`);
  }
  return manifest;
}

async function load(address) {
  let reason;
  try {
    // The browser may keep an earlier model of the name: the host is asked whether it is the same.
    const response = await fetch(new URL(address, import.meta.url), { cache: "no-cache" });
    // Where a file is missing, many hosts answer with their start page as if it were it.
    const isPage = response.headers.get("content-type")?.startsWith("text/html");
    if (response.ok && !isPage) return response;
    reason = response.ok ? "a web page came instead" : response.status;
  } catch {
    reason = "no answer";
  }
  throw new Error(`${address} could not be loaded (${reason}). Reload the page; if that does not help, start humanseg demo again, or upload the whole folder that --build wrote.`);
}

/** Half the processors, as their other halves are often the same cores, but two where there are. */
function threadCount() {
  const processors = navigator.hardwareConcurrency || 1;
  return self.crossOriginIsolated
    ? Math.min(4, processors, Math.max(2, Math.ceil(processors / 2))) : 1;
}

async function start(file, threads) {
  const ort = await import(new URL(`runtime/${file}`, import.meta.url).href);
  ort.env.logLevel = "error";
  // It looks for a .mjs, which many hosts do not serve as a script.
  const [mjs, wasm] = ["js", "wasm"].map((kind) => new URL(`runtime/${PARTS[file]}.${kind}`, import.meta.url).href);
  ort.env.wasm.wasmPaths = { mjs, wasm };
  ort.env.wasm.numThreads = threads;
  return ort;
}

/** On WebGPU a session may be neither created nor run while another one is, also by another photo
    or model: issue 909 of transformers.js tells of the error. */
let earlier = Promise.resolve();
function alone(call) {
  const result = earlier.then(call);
  earlier = result.catch(() => {});
  return result;
}

// Severity 3: errors. That WebGPU leaves shapes to the processor is no news.
const create = (ort, bytes, backend) => alone(() =>
  ort.InferenceSession.create(new Uint8Array(bytes), { executionProviders: [backend], logSeverityLevel: 3 }));

function runner(ort, session, manifest) {
  const input = manifest.input.name, output = "probability";
  return async (planes, [width, height]) => {
    const photo = new ort.Tensor("uint8", planes, [1, 3, height, width]);
    const results = await alone(() => session.run({ [input]: photo }, [output]));
    const probability = results[output].data;
    results[output].dispose();
    return probability;
  };
}

/** Resolves to null where there is no WebGPU, or where it fails or gives something else. */
async function openOnWebGpu(bytes, manifest, threads, insist) {
  try {
    const adapter = await navigator.gpu?.requestAdapter();
    // One that a processor plays is slower than WebAssembly.
    if (!adapter || (adapter.info?.isFallbackAdapter && !insist)) return null;
    const ort = await start("ort.webgpu.min.js", threads);
    const session = await create(ort, bytes, "webgpu");
    const run = runner(ort, session, manifest);
    const judge = await create(ort, bytes, "wasm");
    const wanted = await runner(ort, judge, manifest)(trialPhoto(), TRIAL);
    const given = await run(trialPhoto(), TRIAL);
    await alone(() => judge.release());
    if (given.every((value, at) => Math.abs(value - wanted[at]) <= TOLERANCE)) return untilLost(run, await ort.env.webgpu?.device);
    console.warn("WebGPU gives another mask than WebAssembly: WebAssembly is used.");
    await alone(() => session.release());
  } catch (error) {
    console.warn(`WebGPU cannot run this model: WebAssembly is used. ${error.message}`);
  }
  return null;
}

/** A GPU that is gone may give zeros: raise instead. */
function untilLost(run, device) {
  let lost = "";
  device?.lost?.then(({ message }) => { lost = message || "the device is lost"; });
  return async (planes, size) => {
    const probability = await run(planes, size);
    if (lost) throw new Error(lost);
    return probability;
  };
}

/** Something of every colour and brightness: a wave in each plane. */
function trialPhoto() {
  const [width, height] = TRIAL;
  return Uint8Array.from({ length: 3 * width * height }, (_, at) =>
    127.5 + 127.5 * Math.sin(at / 7 + at * at / 4e5));
}
