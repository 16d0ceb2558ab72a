"""Tables of the documentation against the code: groups, searches, files, messages, models."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from humanseg.config.checking.check import NAMED
from humanseg.config.checking.validate import groups, options
from humanseg.config.find import conf_folder
from humanseg.exporting.manifest import make_manifest
from humanseg.inference.catalog import bundled_models
from humanseg.runs import RunFolder
from scripts.docs_pages import error_codes, models_table
from tests.docs.documents import ROOT, TEXTS, codes, table

TRAIN, CLUSTERS = "docs/how-to/train.md", "docs/how-to/clusters.md"
RECIPES = "docs/how-to/recipes.md"
SWEPT = ("search", "recipe")
"""Groups that hold what is run, not swapped."""


def listed_groups() -> dict[str, list[str]]:
    return {codes(group)[0]: codes(values) for group, values in table(TRAIN, "| group | values |")}


def test_the_table_of_groups_lists_every_value() -> None:
    shipped = {name: options(conf_folder(), name) for name in groups(conf_folder())}
    for name in SWEPT:
        shipped.pop(name, None)
    assert {group: sorted(values) for group, values in listed_groups().items()} == shipped


def test_the_tables_of_searches_and_recipes_list_all_of_them() -> None:
    for group, page, heading in (
        ("search", CLUSTERS, "| search | varies |"),
        ("recipe", RECIPES, "| recipe | makes |"),
    ):
        listed = [codes(name)[0] for name, _ in table(page, heading)]
        assert sorted(listed) == [f"{group}={name}" for name in options(conf_folder(), group)]


def test_the_first_values_of_a_group_are_its_default() -> None:
    listed = listed_groups()
    defaults = yaml.safe_load((conf_folder() / "train.yaml").read_text(encoding="utf-8"))
    for entry in defaults["defaults"]:
        if isinstance(entry, dict):
            (group, value), *_ = entry.items()
            if group in listed and value is not None:
                chosen = value if group in NAMED else [value]
                assert listed[group][: len(chosen)] == chosen, group


def test_the_models_to_choose_from_are_all_there() -> None:
    page = "docs/how-to/choose-a-model.md"
    for group in ("model", "backbone"):
        listed = [
            code for name, _ in table(page, f"| {group} | description |") for code in codes(name)
        ]
        assert sorted(listed) == options(conf_folder(), group)
    explained = re.findall(r"`model=(\w+)`", TEXTS["docs/explanation/models.md"])
    assert sorted(set(explained)) == options(conf_folder(), "model")


def test_the_table_of_the_run_folder_names_its_files() -> None:
    rows = table("docs/reference/run-folder.md", "| file | content |")
    listed = {Path(code).name for name, _ in rows for code in codes(name)}
    folders = {code.rstrip("/") for name, _ in rows for code in codes(name)}
    run = RunFolder(Path("run"))
    values = {name: getattr(run, name) for name in vars(RunFolder) if name != "lock"}
    files = {value.name for value in values.values() if isinstance(value, Path)}
    assert listed - {"test", "valid"} == files
    assert {"test", "valid"} <= folders


def test_the_table_of_the_manifest_names_its_keys() -> None:
    rows = table("docs/reference/manifest.md", "| key | holds |")
    listed = {code for name, _ in rows for code in codes(name)}
    metadata = {"format": 1, "name": "unet-plain", "threshold": 0.5, "long_side": 320}
    assert listed == set(make_manifest(Path(), metadata, {}, {}, {}, "run", 1))


def test_the_readme_shows_the_bundled_models_as_their_records_have_them() -> None:
    assert models_table(list(bundled_models().values())) in TEXTS["README.md"]


def test_the_readme_is_short() -> None:
    assert len(TEXTS["README.md"].splitlines()) <= 150


def messages(path: Path) -> Iterator[str]:
    """Yield the texts in a file, what is filled in replaced by …."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            parts = node.values
            yield "".join(str(p.value) if isinstance(p, ast.Constant) else "…" for p in parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_the_list_of_error_codes_has_those_of_classes_and_variables_too() -> None:
    listed = set(error_codes())
    # Given where the error is raised, an attribute of its class, of a function.
    assert {"data.no_folder", "sweeps.some_failed", "io.image_too_large"} <= listed
    assert not listed & {"data.root", "data.long_side", "models.json"}


def test_quoted_messages_are_those_of_the_code() -> None:
    said = [text for path in (ROOT / "humanseg").rglob("*.py") for text in messages(path)]
    rows = table("docs/how-to/troubleshoot.md", "| symptom | cause and remedy |")
    quoted = [code for symptom, _ in rows for code in codes(symptom)]
    assert len(quoted) >= 5
    for message in quoted:
        pattern = re.compile(".*".join(map(re.escape, message.split("…"))), re.S)
        assert any(map(pattern.search, said)), message
