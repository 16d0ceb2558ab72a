"""What the model runs on in the page: threads, one thread, a graphics processor."""

import json
import os
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper
from playwright.sync_api import Browser

import humanseg
from humanseg.demo.runtime import WEBGPU, npm_files
from humanseg.demo.server import DemoServer
from humanseg.demo.site import demo_site, write_site
from humanseg.metrics.scores import dice
from tests.browser.demo.conftest import Demo, serving

pytestmark = pytest.mark.browser

# A graphics processor that the processor plays: slow, but there on every machine.
PLAYED_GPU = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader")


def test_a_static_host_without_headers_gives_one_thread(
    open_demo: Callable[..., Demo], model: Path, runtime: list[Path], photos: Path, tmp_path: Path
) -> None:
    write_site(demo_site(model, runtime), tmp_path / "site")

    class Quiet(SimpleHTTPRequestHandler):
        # As nginx and IIS do by default, or did for long.
        unknown = dict.fromkeys((".mjs", ".wasm", ".onnx"), "application/octet-stream")
        extensions_map = SimpleHTTPRequestHandler.extensions_map | unknown

        def log_message(self, format: str, *arguments: object) -> None: ...

    handler = partial(Quiet, directory=str(tmp_path / "site"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        for address in serving(server, f"http://127.0.0.1:{server.server_port}/"):
            demo = open_demo(address)
            demo.choose(photos / "small.png")
            assert "WebAssembly, 1 thread" in demo.fact("Runs on")
            wanted = humanseg.load(model)(photos / "small.png")
            assert dice(demo.mask(), wanted) >= 0.999


def test_a_model_that_was_replaced_is_not_taken_from_the_browsers_cache(
    open_demo: Callable[..., Demo], model: Path, runtime: list[Path], photos: Path, tmp_path: Path
) -> None:
    class Lasting(SimpleHTTPRequestHandler):
        def end_headers(self) -> None:
            # As hosts that let browsers keep what seldom changes.
            is_cached = self.path.endswith((".onnx", "/models.json"))
            self.send_header("Cache-Control", "max-age=86400" if is_cached else "no-store")
            super().end_headers()

        def log_message(self, format: str, *arguments: object) -> None: ...

    other = tmp_path / "other" / model.name
    other.parent.mkdir()
    blue = onnx.load(model)
    for tensor in blue.graph.initializer:
        if tensor.name in ("first", "end"):
            channel = 2 if tensor.name == "first" else 3
            tensor.CopyFrom(helper.make_tensor(tensor.name, TensorProto.INT64, [1], [channel]))
    (metadata,) = blue.metadata_props
    metadata.value = json.dumps(json.loads(metadata.value) | {"name": "blue"})
    onnx.save(blue, other)
    site = tmp_path / "site"
    write_site(demo_site(model, runtime), site)
    handler = partial(Lasting, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        for address in serving(server, f"http://127.0.0.1:{server.server_port}/"):
            demo = open_demo(address)
            demo.wait()
            write_site(demo_site(other, runtime), site)
            demo.page.reload()
            demo.choose(photos / "small.png")
            assert dice(demo.mask(), humanseg.load(other)(photos / "small.png")) >= 0.999
            assert demo.page.locator("#model option").all_inner_texts()[0].startswith("blue (")


def test_with_the_servers_headers_there_are_threads(
    open_demo: Callable[..., Demo], address: str
) -> None:
    demo = open_demo(address)
    demo.wait()
    assert demo.page.evaluate("crossOriginIsolated")
    several = (os.cpu_count() or 1) > 1
    assert ("threads" in demo.fact("Runs on")) is several


@pytest.mark.parametrize("flags", [(), PLAYED_GPU], ids=["no GPU", "no use"])
def test_without_a_gpu_or_where_it_fails_a_processor_takes_over(
    flags: tuple[str, ...],
    launch: Callable[..., Browser],
    open_demo: Callable[..., Demo],
    model: Path,
    runtime: list[Path],
    photos: Path,
    tmp_path: Path,
) -> None:
    broken = [tmp_path / name for name in WEBGPU]
    for file in broken:
        file.write_text("throw new Error('broken for a test');")
    with DemoServer(demo_site(model, [*runtime, *broken]), port=0) as server:
        for address in serving(server, server.address):
            demo = open_demo(f"{address}?backend=webgpu", within=launch(*flags))
            demo.choose(photos / "small.png")
            assert demo.fact("Runs on").startswith("WebAssembly")


def test_a_gpu_that_fails_on_the_way_gives_way_to_a_processor(
    open_demo: Callable[..., Demo], model: Path, runtime: list[Path], photos: Path, tmp_path: Path
) -> None:
    # A GPU that the processor plays, and that is gone after the trial.
    played = """
      import * as ort from "./ort.wasm.min.js";
      const part = (kind) => new URL(`ort-wasm-simd-threaded.${kind}`, import.meta.url).href;
      ort.env.wasm.wasmPaths = { mjs: part("js"), wasm: part("wasm") };
      export const { Tensor } = ort, env = { wasm: {} };
      export const InferenceSession = {
        async create(bytes, options) {
          const on = { executionProviders: ["wasm"] };
          const session = await ort.InferenceSession.create(bytes, on);
          if (options.executionProviders[0] !== "webgpu") return session;
          let runs = 0;
          return {
            run: async (...given) => {
              if (++runs > 1) throw new Error("the device is lost");
              return session.run(...given);
            },
          };
        },
      };
    """
    broken = [tmp_path / name for name in WEBGPU]
    for file in broken:
        file.write_text(played)
    site = demo_site(model, [*runtime, *broken])
    worker = site["worker.js"]
    assert isinstance(worker, Path)
    adapter = "Object.defineProperty(navigator, 'gpu', { value: { requestAdapter: () => ({}) } });"
    site["worker.js"] = (worker.read_text("utf-8") + adapter).encode()
    with DemoServer(site, port=0) as server:
        for address in serving(server, server.address):
            demo = open_demo(address)
            demo.wait()
            assert demo.fact("Runs on") == "WebGPU"
            for name in ("small.png", "large.png"):
                demo.choose(photos / name)
                assert demo.fact("Runs on").startswith("WebAssembly")
                wanted = humanseg.load(model)(photos / name)
                assert dice(demo.mask(), wanted) >= 0.999


@pytest.mark.slow
def test_webgpu_gives_the_same_mask(
    launch: Callable[..., Browser],
    open_demo: Callable[..., Demo],
    model: Path,
    runtime: list[Path],
    photos: Path,
) -> None:
    with (
        npm_files(WEBGPU) as webgpu,
        DemoServer(demo_site(model, [*runtime, *webgpu]), port=0) as server,
    ):
        for address in serving(server, server.address):
            demo = open_demo(f"{address}?backend=webgpu", within=launch(*PLAYED_GPU))
            if demo.page.evaluate("navigator.gpu?.requestAdapter().then(Boolean)") is not True:
                pytest.skip("this Chromium cannot play a graphics processor")
            demo.choose(photos / "large.png")
            assert demo.fact("Runs on") == "WebGPU"
            wanted = humanseg.load(model)(photos / "large.png")
            assert dice(demo.mask(), wanted) >= 0.999
