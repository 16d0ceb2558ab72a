"""The memory of the page's canvases, by Node with canvases that are only played."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from humanseg import demo

PAGE = Path(demo.__file__).parent / "page"
# Each canvas is known, with its size now; a context takes any call.
CANVASES = """
const canvases = [];
const area = () => canvases.reduce((sum, { width, height }) => sum + width * height, 0);
globalThis.OffscreenCanvas = class {
  constructor(width, height) {
    Object.assign(this, { width, height });
    canvases.push(this);
  }
  getContext() {
    const canvas = this;
    const full = () => ({ data: [0, 0, 0, 255] });
    return new Proxy({}, { get: (_, name) => name === "canvas" ? canvas : full, set: () => true });
  }
};
globalThis.ImageData = class {};
Object.defineProperty(globalThis, "navigator", { value: {} });
globalThis.createImageBitmap = async () => ({ width: 8000, height: 6000 });
"""
CAMERA = """
const shown = new OffscreenCanvas(64, 48), areas = [];
let result = null;
for (let frame = 0; frame < 3; frame++) {
  result = drawable({ width: 64, height: 48 }, result);
  paint(shown, "background", result, shown, { kind: "blur", blur: 4 });
  areas.push(area());
}
result = discard(result);
areas.push(area());
await readPicture(new Blob(["GIF8"]));
areas.push(area());
console.log(JSON.stringify(areas));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node to run the page's scripts in")
def test_canvases_that_are_drawn_no_more_give_their_memory_back(tmp_path: Path) -> None:
    for script in PAGE.glob("*.js"):
        shutil.copy(script, tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    names = {"painter.js": "discard, drawable, paint", "photos.js": "readPicture"}
    imports = "".join(
        f"const {{ {name} }} = await import({json.dumps((tmp_path / file).as_uri())});"
        for file, name in names.items()
    )
    command = ["node", "--input-type=module", "-e", CANVASES + imports + CAMERA]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    # The canvas on the page, and one for the person.
    on_page = 64 * 48
    assert json.loads(answer.stdout) == [2 * on_page] * 3 + [on_page] * 2
