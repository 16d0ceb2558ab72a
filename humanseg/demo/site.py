"""The files of the page by their addresses: for the server, and for a static build."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from humanseg import pages
from humanseg.demo.runtime import LICENCE
from humanseg.errors import HumansegError
from humanseg.inference import load_model
from humanseg.inference.model_file import MANIFEST_NAME, file_sha256, read_manifest
from humanseg.inference.named_model import find_model
from humanseg.io.files import whole_folder

Site: TypeAlias = "Mapping[str, Path | bytes]"
"""A file or bytes by its address relative to the page, with forward slashes."""

_PAGE = Path(__file__).parent / "page"
_STYLE = Path(pages.__file__).parent / "templates" / "base.css"


def demo_site(model: Path | None, runtime: Sequence[Path]) -> dict[str, Path | bytes]:
    """Return the site for a model, None for the bundled one, and the files of onnxruntime-web."""
    file = find_model(model, "videos")
    site: dict[str, Path | bytes] = {path.name: path for path in sorted(_PAGE.iterdir())}
    site["base.css"] = _STYLE
    site |= {f"runtime/{path.name}": path for path in runtime}
    site["runtime/LICENSE.txt"] = LICENCE
    site["runtime/files.json"] = json.dumps([path.name for path in runtime]).encode()
    site[f"model/{file.name}"] = file
    manifest = json.dumps(_manifest(file), indent=2) + "\n"
    site[f"model/{MANIFEST_NAME}"] = manifest.encode()
    return site


def _manifest(file: Path) -> dict[str, Any]:
    """Return the manifest of one model, by its own manifest and metadata."""
    # Opened once by Python's onnxruntime: errors show here, not in the browser.
    model = load_model(file, threads=1)
    manifest = read_manifest(file)
    entry = {
        "format": "onnx",
        "bytes": file.stat().st_size,
        "sha256": file_sha256(file),
        **manifest.get("files", {}).get(file.name, {}),
    }
    return {
        "format": 1,
        "input": {"name": "photo"},
        "outputs": {"probability": {}},
        **manifest,
        "name": model.name,
        "threshold": model.threshold,
        "long_side": model.long_side,
        "files": {file.name: entry},
    }


def write_site(site: Site, folder: Path) -> None:
    """Write the page, whole or not at all, to a new or empty folder, or over an earlier page."""
    folder = folder.resolve()
    if folder.exists() and not _may_be_replaced(folder):
        raise HumansegError(
            f"{folder} is there already, and is not a page that humanseg demo --build wrote: "
            "choose another folder, or empty this one.",
            code="demo.not_a_page",
        )
    with whole_folder(folder) as partial:
        for address, content in site.items():
            path = partial / address
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                shutil.copyfile(content, path)


def _may_be_replaced(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    names = {path.name for path in folder.iterdir()}
    return not names or {"index.html", "worker.js", "model", "runtime"} <= names
