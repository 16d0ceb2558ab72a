"""The script of the page that runs a model, run by Node with a runtime that is only played."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from humanseg import demo

MODEL_JS = Path(demo.__file__).parent / "page" / "model.js"
# As on WebGPU, where a second call before the first has ended fails.
RUNTIME = """
let busy = false;
async function alone(result) {
  if (busy) throw new Error("Session already started");
  busy = true;
  await new Promise((resolve) => setTimeout(resolve, 5));
  busy = false;
  return result;
}
const results = () => ({ probability: { data: new Float32Array(4), dispose() {} } });
const session = () => ({ run: () => alone(results()), release: () => alone() });
export const env = { wasm: {} };
export class Tensor {}
export const InferenceSession = { create: () => alone(session()) };
"""
TWO_PHOTOS_AND_A_MODEL = """
const files = {
  "manifest.json": { format: 1, files: { "model.onnx": {} }, input: { name: "image" } },
  "files.json": ["ort.webgpu.min.js"],
};
globalThis.self = globalThis;
globalThis.fetch = async ({ pathname }) => ({
  ok: true,
  headers: new Headers(),
  json: async () => files[pathname.split("/").pop()],
  arrayBuffer: async () => new ArrayBuffer(8),
});
const gpu = { requestAdapter: async () => ({ info: {} }) };
Object.defineProperty(globalThis, "navigator", { value: { gpu } });
const { run, backend } = await openModel("", "model");
const photo = () => run(new Uint8Array(12), [2, 2]).then(() => "cut out", String);
const other = () => openModel("", "other").then((model) => model.backend, String);
console.log(JSON.stringify([backend, ...await Promise.all([photo(), photo(), other(), photo()])]));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node to run the page's script in")
def test_on_webgpu_photos_and_models_wait_for_one_another(tmp_path: Path) -> None:
    script = tmp_path / "model.mjs"
    shutil.copyfile(MODEL_JS, script)
    (tmp_path / "runtime").mkdir()
    (tmp_path / "runtime" / "ort.webgpu.min.js").write_text(RUNTIME, encoding="utf-8")
    steps = f"import {{ openModel }} from {json.dumps(script.as_uri())};{TWO_PHOTOS_AND_A_MODEL}"
    command = ["node", "--input-type=module", "-e", steps]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(answer.stdout) == ["WebGPU", "cut out", "cut out", "WebGPU", "cut out"]
