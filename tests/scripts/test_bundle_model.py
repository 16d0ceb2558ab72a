import json
import runpy
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

import humanseg
from humanseg.inference.catalog import BUNDLED

SCRIPT = Path(__file__).parents[2] / "scripts" / "bundle_model.py"


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The script, for a folder of bundled models of the test's own; a recipe exports `tiny`."""

    def export(recipe: Path, out: Path, formats: list[str]) -> Path:
        assert (recipe / "record.json").is_file() and formats == ["int8"]
        return Path(shutil.copytree(BUNDLED / "tiny", out))

    monkeypatch.setattr(humanseg, "export", export)
    script = runpy.run_path(str(SCRIPT))
    place = tmp_path / "bundled"
    for name in ("small", "beside"):
        shutil.copytree(BUNDLED / "tiny", place / name)
    script["latency"].__globals__["BUNDLED"] = place
    return SimpleNamespace(main=script["main"], place=place)


def arguments(tmp_path: Path, sample_root: Path, name: str) -> list[str]:
    recipe = tmp_path / "recipe"
    recipe.mkdir()
    stages = [{"name": "a", "parameters": 5}, {"name": "b", "parameters": 7}]
    record = {"stages": stages, "ensemble": {"a": 0.25}}
    (recipe / "record.json").write_text(json.dumps(record))
    sources = tmp_path / "sources"
    for folder, part in (("image", "valid"), ("mask", "valid_mask")):
        (sources / folder).mkdir(parents=True)
        for number, path in enumerate(sorted((sample_root / part).iterdir())):
            shutil.copy(path, sources / folder / f"{'xy'[number % 2]}_{path.name}")
    options = {"--data": sample_root, "--sources": sources, "--no-person": sample_root / "test"}
    return [str(recipe), name, *(str(word) for pair in options.items() for word in pair)]


def test_what_a_record_says_in_numbers_is_measured_on_the_file(
    bundle: SimpleNamespace, tmp_path: Path, sample_root: Path
) -> None:
    before = json.loads((bundle.place / "small" / "record.json").read_text())
    assert bundle.main([*arguments(tmp_path, sample_root, "small"), "--note", "by hand"]) == 0
    record = json.loads((bundle.place / "small" / "record.json").read_text())
    photos = len(list((sample_root / "valid").iterdir()))
    own, others = record["dice"]["in_distribution"], record["dice"]["out_of_distribution"]
    # The same photos, once as the task's and once as those of two sources.
    assert own["photos"] == others["photos"] == photos
    assert own["mean"] == others["mean"] and own["interval"] == others["interval"]
    assert set(others["by_source"]) == {"x", "y"} and others["sources"] == 2
    assert record["dice"]["no_person"]["photos"] == len(list((sample_root / "test").iterdir()))
    assert record["parameters"] == 12 and record["recipe"]["stages"] == ["a", "b"]
    assert record["recipe"]["ensemble"] == {"a": 0.25}
    assert record["recipe"]["note"] == "by hand" and record["latency"]["milliseconds"] > 0
    beside = json.loads((bundle.place / "beside" / "record.json").read_text())
    assert beside["latency"]["device"] == record["latency"]["device"]
    assert beside["latency"] != before["latency"] and beside["dice"] == before["dice"]
    assert {key: record[key] for key in ("purpose", "licence", "data")} == {
        key: before[key] for key in ("purpose", "licence", "data")
    }
    assert not (bundle.place / "small" / "recipe.json").exists()


def test_a_model_without_words_is_not_bundled(
    bundle: SimpleNamespace, tmp_path: Path, sample_root: Path
) -> None:
    assert bundle.main(arguments(tmp_path, sample_root, "other")) == 2
    assert not (bundle.place / "other").exists()
