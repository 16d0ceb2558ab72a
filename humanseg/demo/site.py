"""The files of the page by their addresses: for the server, and for a static build."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from humanseg import pages
from humanseg.demo.runtime import LICENCE
from humanseg.errors import HumansegError
from humanseg.inference.catalog import BundledModel, bundled_models
from humanseg.inference.load import describe_model
from humanseg.inference.model_file import MANIFEST_NAME
from humanseg.inference.named_model import find_model
from humanseg.io.files import names_in, whole_folder

Site: TypeAlias = "Mapping[str, Path | bytes]"
"""A file or bytes by its address relative to the page, with forward slashes."""

_PAGE = Path(__file__).parent / "page"
_STYLE = Path(pages.__file__).parent / "templates" / "base.css"


def demo_site(model: Path | None, runtime: Sequence[Path]) -> dict[str, Path | bytes]:
    """Return the site for a model and the files of onnxruntime-web.

    None is the bundled model for videos; the page of a bundled model can switch to the others.
    """
    file = find_model(model, "videos")
    site: dict[str, Path | bytes] = {path.name: path for path in sorted(_PAGE.iterdir())}
    site["base.css"] = _STYLE
    names = {path: _name_of_script(path) for path in runtime}
    site |= {f"runtime/{name}": path for path, name in names.items()}
    site["runtime/LICENSE.txt"] = LICENCE
    site["runtime/files.json"] = json.dumps(list(names.values())).encode()
    bundled = list(bundled_models().values())
    chosen = next((item for item in bundled if item.file.samefile(file)), None)
    listed = [_add_model(site, file, "model", chosen)]
    for other in bundled if chosen is not None else ():
        if other != chosen:
            listed.append(_add_model(site, other.file, f"models/{other.name}", other))
    site["models.json"] = json.dumps(listed, indent=2).encode()
    return site


def _name_of_script(path: Path) -> str:
    """Return the name for the web: many hosts do not know that .mjs is a script."""
    return path.with_suffix(".js").name if path.suffix == ".mjs" else path.name


def _add_model(
    site: dict[str, Path | bytes], file: Path, folder: str, bundled: BundledModel | None
) -> dict[str, Any]:
    """Add a model and its manifest to a site; return how the page lists it."""
    manifest = describe_model(file)
    site[f"{folder}/{file.name}"] = file
    site[f"{folder}/{MANIFEST_NAME}"] = (json.dumps(manifest, indent=2) + "\n").encode()
    return {
        "name": manifest["name"] if bundled is None else bundled.name,
        "folder": folder,
        "bytes": file.stat().st_size,
        "purpose": None if bundled is None else bundled.purpose,
    }


def write_site(site: Site, folder: Path) -> None:
    """Write the page, whole or not at all, to a new or empty folder, or over an earlier page."""
    folder = folder.resolve()
    if folder.exists() and (others := _in_the_way(site, folder)):
        raise HumansegError(
            f"{folder} is there already, and is not a page that humanseg demo --build wrote and "
            f"nothing else ({', '.join(others[:3])}): choose another folder, or empty this one.",
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


def _in_the_way(site: Site, folder: Path) -> list[str]:
    """Return the names of what would be lost with a folder, besides an earlier page."""
    if not folder.is_dir():
        return ["a file"]
    names = names_in(folder)
    if not {"index.html", "worker.js", "model", "runtime"} <= names:
        return sorted(names)
    # Other versions have other scripts, and the page of one's own model has no further ones.
    folders = {address.partition("/")[0] for address in site} | {"models"}
    return sorted(name for name in names - folders if not name.endswith(".js"))
