"""The page as a table of addresses, and as a folder."""

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from humanseg.demo.site import demo_site, write_site
from humanseg.errors import HumansegError
from humanseg.inference import guided_filter, matting
from humanseg.inference.catalog import bundled_models, default_model
from humanseg.inference.named_model import find_model


def manifest(site: dict[str, Path | bytes]) -> dict[str, Any]:
    content = site["model/manifest.json"]
    assert isinstance(content, bytes)
    held: dict[str, Any] = json.loads(content)
    return held


def test_a_file_alone_gets_a_manifest_from_what_it_says(model: Path, runtime: list[Path]) -> None:
    site = demo_site(model, runtime)
    held = manifest(site)
    assert (held["format"], held["name"], held["threshold"], held["long_side"]) == (
        1,
        "red",
        0.5,
        32,
    )
    assert held["input"]["name"] == "photo" and "probability" in held["outputs"]
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    assert held["files"]["red.onnx"]["sha256"] == digest
    assert site["model/red.onnx"] == model


def test_the_manifest_of_an_export_is_kept_but_for_files_that_do_not_come_along(
    model: Path, runtime: list[Path], tmp_path: Path
) -> None:
    files = {}
    for name in ("model.onnx", "model.int8.onnx"):
        shutil.copy(model, tmp_path / name)
        files[name] = {"sha256": hashlib.sha256(model.read_bytes()).hexdigest(), "dice": 0.9}
    own = {"format": 1, "name": "other", "scores": {"dice": 0.9}, "files": files}
    (tmp_path / "manifest.json").write_text(json.dumps(own))
    held = manifest(demo_site(tmp_path, runtime))
    assert held["scores"] == {"dice": 0.9}
    assert list(held["files"]) == ["model.onnx"]
    assert held["files"]["model.onnx"]["dice"] == 0.9
    site = demo_site(tmp_path / "model.int8.onnx", runtime)
    assert list(manifest(site)["files"]) == ["model.int8.onnx"]
    assert "model/model.int8.onnx" in site and "model/model.onnx" not in site


def test_the_page_of_a_bundled_model_can_switch_to_the_others(runtime: list[Path]) -> None:
    site = demo_site(None, runtime)
    listed = site["models.json"]
    assert isinstance(listed, bytes)
    models = {each["name"]: each["folder"] for each in json.loads(listed)}
    first = default_model("videos").name
    assert list(models) == [first, *(name for name in bundled_models() if name != first)]
    assert models[first] == "model"
    for name, model in bundled_models().items():
        assert site[f"{models[name]}/{model.file.name}"] == model.file
        assert f"{models[name]}/manifest.json" in site
    of_best = demo_site(find_model("best"), runtime)["models.json"]
    assert isinstance(of_best, bytes) and json.loads(of_best)[0]["name"] == "best"


def test_a_model_of_ones_own_stands_alone(model: Path, runtime: list[Path]) -> None:
    listed = demo_site(model, runtime)["models.json"]
    assert isinstance(listed, bytes)
    assert [each["name"] for each in json.loads(listed)] == ["red"]


def test_what_is_no_model_is_refused_before_a_page_opens(
    runtime: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "model.onnx").write_text("no model")
    with pytest.raises(HumansegError, match="is not an ONNX file"):
        demo_site(tmp_path, runtime)
    with pytest.raises(HumansegError, match="There is no model"):
        demo_site(tmp_path / "nothing.onnx", runtime)


def test_every_file_that_the_page_names_is_there(model: Path, runtime: list[Path]) -> None:
    site = demo_site(model, runtime)
    named = set()
    for address, content in site.items():
        if address.endswith((".js", ".html", ".css")) and isinstance(content, Path):
            text = content.read_text(encoding="utf-8")
            named |= set(re.findall(r"""from "\./([\w.-]+)\"""", text))
            named |= set(re.findall(r"""(?:src|href)="([\w./-]+)\"""", text))
            named |= set(re.findall(r"""new URL\("([\w./-]+)\"""", text))
    assert {"main.js", "worker.js", "base.css", "area.js"} <= named
    assert named <= set(site)
    listed = site["runtime/files.json"]
    assert isinstance(listed, bytes)
    assert {f"runtime/{name}" for name in json.loads(listed)} <= set(site)


def test_the_page_names_no_other_host(model: Path, runtime: list[Path]) -> None:
    for content in demo_site(model, runtime).values():
        if isinstance(content, Path) and content.suffix in {".html", ".css", ".js"}:
            assert "://" not in content.read_text(encoding="utf-8"), content.name


def test_the_page_works_with_the_numbers_of_python(model: Path, runtime: list[Path]) -> None:
    site = demo_site(model, runtime)

    def number(script: str, name: str) -> float:
        content = site[script]
        assert isinstance(content, Path)
        (found,) = re.findall(rf"\b{name} = ([\d.e-]+)", content.read_text(encoding="utf-8"))
        return float(found)

    assert number("edges.js", "RADIUS") == guided_filter._RADIUS
    assert number("edges.js", "EPSILON") == guided_filter._EPSILON
    assert number("cutout.js", "SURE") == matting._SURE


def test_a_build_is_the_same_page_and_replaces_only_a_build(
    model: Path, runtime: list[Path], tmp_path: Path
) -> None:
    site, folder = demo_site(model, runtime), tmp_path / "site"
    write_site(site, folder)
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert written == set(site)
    assert (folder / "model/red.onnx").read_bytes() == model.read_bytes()
    (folder / "old.js").touch()
    write_site(site, folder)
    assert not (folder / "old.js").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_is_no_build_is_left_alone(
    kind: str, model: Path, runtime: list[Path], tmp_path: Path
) -> None:
    place = tmp_path / "mine"
    if kind == "folder":
        place.mkdir()
    letter = place / "letter.txt" if kind == "folder" else place
    letter.write_text("mine")
    with pytest.raises(HumansegError, match="is there already, and is not a page"):
        write_site(demo_site(model, runtime), place)
    assert letter.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_build_that_a_mac_has_shown_is_replaced(
    model: Path, runtime: list[Path], tmp_path: Path
) -> None:
    site, folder = demo_site(model, runtime), tmp_path / "site"
    write_site(site, folder)
    (folder / ".DS_Store").touch()
    write_site(site, folder)
    assert not (folder / ".DS_Store").exists()


@pytest.mark.parametrize("name", [".git", "CNAME", "about.html"])
def test_what_was_put_beside_a_build_is_not_lost(
    name: str, model: Path, runtime: list[Path], tmp_path: Path
) -> None:
    site, folder = demo_site(model, runtime), tmp_path / "site"
    write_site(site, folder)
    (folder / name).write_text("mine")
    with pytest.raises(HumansegError, match=f"nothing else .{name}"):
        write_site(site, folder)
    assert (folder / name).read_text() == "mine"


def test_a_build_that_fails_leaves_the_earlier_one(
    model: Path, runtime: list[Path], tmp_path: Path
) -> None:
    site, folder = demo_site(model, runtime), tmp_path / "site"
    write_site(site, folder)
    with pytest.raises(HumansegError, match="Cannot write"):
        write_site(site | {"index.html": b"new", "gone": tmp_path / "gone"}, folder)
    assert (folder / "index.html").read_bytes() != b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
