"""The README against the code: every command, name, message and table in it."""

import argparse
import ast
import json
import re
import shlex
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import hydra
import pytest
import yaml
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep
from omegaconf import DictConfig

from humanseg.config.checking.check import NAMED, find_mistakes
from humanseg.config.checking.compatibility import pair_mistake
from humanseg.config.checking.validate import groups, options
from humanseg.config.find import conf_folder
from humanseg.runs import RunFolder

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.M | re.S)
TEXT = re.sub(r"^```.*?^```", "", README, flags=re.M | re.S)
INLINE = [code for line in TEXT.splitlines() for code in re.findall(r"`([^`]+)`", line)]
LINES = [
    line.split(" #")[0].strip()
    for language, block in BLOCKS
    if language == "sh"
    for line in block.splitlines()
]


def table(heading: str) -> list[list[str]]:
    """Return the cells below a table's header row."""
    rest = README.split(f"\n{heading}\n", 1)[1].splitlines()[1:]
    rows = []
    for line in rest:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def codes(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def commands() -> list[str]:
    """Return every whole `humanseg …` command; one with … in it is no command yet."""
    found = [*LINES, *INLINE]
    return sorted({one for one in found if one.startswith("humanseg ") and "…" not in one})


def overrides() -> list[str]:
    """Return what the README gives to a training, as words of a command line."""
    found = [
        one.removeprefix("humanseg train ")
        for one in commands()
        if one.startswith("humanseg train ")
    ]
    for line in LINES:
        arguments = [word for word in shlex.split(line) if word.startswith("ARGS=")]
        found += [word.removeprefix("ARGS=") for word in arguments if line.startswith("make run ")]
    setting = re.compile(r"[a-z][\w.]*=\S+")
    found += [one for one in INLINE if all(map(setting.fullmatch, one.split()))]
    return sorted({one for one in found if "…" not in one})


@pytest.fixture(scope="module")
def own_conf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the configs that the README tells a person to add: the last of its YAML is whole."""
    folder = tmp_path_factory.mktemp("conf")
    snippets = [block for language, block in BLOCKS if language == "yaml"]
    texts = {
        "backbone": snippets[-1],
        "model": (conf_folder() / "model/light_unet.yaml").read_text(encoding="utf-8"),
        "experiment": "# @package _global_\nseed: 7\n",
    }
    for group, text in texts.items():
        (folder / group).mkdir()
        (folder / group / "mine.yaml").write_text(text, encoding="utf-8")
    return folder


def single(words: list[str]) -> Iterator[list[str]]:
    """Yield the words of each job of a sweep; those of a single run as they are."""
    parser = OverridesParser.create()
    for place, word in enumerate(words):
        override = parser.parse_override(word)
        if override.is_sweep_override():
            found = override.value()
            bounds = [found.start, found.end] if isinstance(found, IntervalSweep) else None
            for value in bounds or override.sweep_string_iterator():
                plain = f"{override.get_key_element()}={value}"
                yield from single([*words[:place], plain, *words[place + 1 :]])
            return
    yield words


def compose(words: list[str], own: Path) -> DictConfig:
    GlobalHydra.instance().clear()
    with hydra.initialize_config_dir(str(conf_folder()), version_base="1.3"):
        return hydra.compose("train", [*words, f"hydra.searchpath=['file://{own}']"])


@pytest.mark.parametrize("given", overrides())
def test_every_training_command_and_setting_is_accepted(given: str, own_conf: Path) -> None:
    words = shlex.split(given)
    flags = {"--help": 0, "-m": 0, "--dry-run": 0, "--cfg": 1, "--config-dir": 1}
    for flag, values in flags.items():
        if flag in words:
            place = words.index(flag)
            del words[place : place + 1 + values]
    if named := [word for word in words if word.split("=")[0].split(".")[0] == "recipe"]:
        # What a recipe's stages are made of is checked with the shipped configs.
        name = named[0].removeprefix("recipe=")
        assert name.endswith(".json") or name in options(conf_folder(), "recipe") or "." in name
        words = [word for word in words if word not in named]
    settings = [code for does, _ in table("| setting | does |") for code in codes(does)]
    if given not in settings and all(word.startswith("backbone.") for word in words):
        # In the text it is said of a backbone that somebody has chosen; the default has no weights.
        words.insert(0, "backbone=resnet18")
    # "mine" stands for a file of one's own.
    for job in single(words):
        assert find_mistakes(compose(job, own_conf)) == []


def test_the_backbone_that_needs_nothing_but_a_file_works(own_conf: Path) -> None:
    config = compose(["backbone=mine"], own_conf)
    assert config.backbone.name == "regnety_004"
    assert pair_mistake(config) is None


def reaching(name: str, reached: list[str]) -> Callable[[argparse.Namespace], int]:
    def action(arguments: argparse.Namespace) -> int:
        reached.append(name)
        return 0

    return action


@pytest.mark.parametrize("command", [one for one in commands() if one.split()[1] != "train"])
def test_every_other_command_is_parsed(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    main = import_module("humanseg.cli.main")
    words = shlex.split(command)[1:]
    reached: list[str] = []
    for name in main.COMMANDS:
        monkeypatch.setattr(main.command_module(name), "run", reaching(name, reached))
    if len(words) == 1 and words[0] != "check-configs":
        # A command that is only named: its arguments stand elsewhere.
        words = [words[0], "--help"]
        reached.append(words[0])
    try:
        assert main.main(words) == 0
    except SystemExit as done:
        assert done.code == 0, capsys.readouterr().err
    assert reached == words[:1]


def test_the_table_of_groups_lists_every_value() -> None:
    listed = {codes(group)[0]: codes(values) for group, values in table("| group | values |")}
    # `search` holds sweeps, which are run, not swapped.
    shipped = {name: options(conf_folder(), name) for name in groups(conf_folder())}
    shipped.pop("search", None)
    assert {group: sorted(values) for group, values in listed.items()} == shipped


def test_the_table_of_searches_lists_all_of_them() -> None:
    listed = [codes(search)[0] for search, _ in table("| search | varies |")]
    assert sorted(listed) == [f"search={name}" for name in options(conf_folder(), "search")]


def test_the_table_of_recipes_lists_all_of_them() -> None:
    listed = [codes(recipe)[0] for recipe, _ in table("| recipe | is |")]
    assert sorted(listed) == [f"recipe={name}" for name in options(conf_folder(), "recipe")]


def test_the_first_values_of_a_group_are_its_default() -> None:
    listed = {codes(group)[0]: codes(values) for group, values in table("| group | values |")}
    defaults = yaml.safe_load((conf_folder() / "train.yaml").read_text(encoding="utf-8"))
    for entry in defaults["defaults"]:
        if isinstance(entry, dict):
            (group, value), *_ = entry.items()
            if group in listed and value is not None:
                chosen = value if group in NAMED else [value]
                assert listed[group][: len(chosen)] == chosen, group


def test_the_counts_in_the_introduction_are_right() -> None:
    numbers = "no one two three four five six seven eight nine ten eleven twelve".split()
    plurals = {"backbone": "backbones", "loss": "losses", "augmentation": "augmentations"}
    introduction = " ".join(TEXT.split())
    for group, plural in plurals.items():
        assert f"{numbers[len(options(conf_folder(), group))]} {plural}" in introduction


def test_the_table_of_the_run_folder_names_its_files() -> None:
    listed = {Path(code).name for name, _ in table("| file | what |") for code in codes(name)}
    folders = {code.rstrip("/") for name, _ in table("| file | what |") for code in codes(name)}
    run = RunFolder(Path("run"))
    names = [name for name, value in vars(RunFolder).items() if isinstance(value, property)]
    files = {getattr(run, name).name for name in names if name != "lock"}
    assert listed - {"test", "valid"} == files
    assert {"test", "valid"} <= folders


def test_make_targets_exist() -> None:
    named = {word for line in LINES for word in re.findall(r"^make ([\w-]+)", line)}
    named |= {word for code in INLINE for word in re.findall(r"^make ([\w-]+)", code)}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.+)$", makefile, re.M)
    assert {"run", "test", "test-slow"} <= named <= set(phony.split())


def test_linked_and_named_files_exist() -> None:
    links = re.findall(r"\]\(([^)#]+)", README)
    local = [link for link in links if not re.match(r"\w+:", link)]
    named = re.findall(r"(?:scripts|humanseg)/[\w/]+(?:\.py)?", README)
    missing = [name for name in {*local, *named} if not (ROOT / name).exists()]
    # A room is named without its suffix.
    assert [name for name in missing if not (ROOT / f"{name}.py").exists()] == []


def messages(path: Path) -> Iterator[str]:
    """Yield the texts in a file, what is filled in replaced by …."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            parts = node.values
            yield "".join(str(p.value) if isinstance(p, ast.Constant) else "…" for p in parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_quoted_messages_are_those_of_the_code() -> None:
    said = [text for path in (ROOT / "humanseg").rglob("*.py") for text in messages(path)]
    rows = table("| symptom | cause and remedy |")
    quoted = [code for symptom, _ in rows for code in codes(symptom)]
    assert len(quoted) >= 5
    for message in quoted:
        pattern = re.compile(".*".join(map(re.escape, message.split("…"))), re.S)
        assert any(map(pattern.search, said)), message


RECIPES = {
    link: line
    for line in README.splitlines()
    if line.startswith("|")
    for link in re.findall(r"notebooks/records/[^)]*/summary\.json", line)
}


def test_every_record_of_a_recipe_has_a_row() -> None:
    records = (ROOT / "notebooks" / "records").glob("*/summary.json")
    assert {path.relative_to(ROOT).as_posix() for path in records} <= RECIPES.keys()


@pytest.mark.parametrize("link", RECIPES)
def test_the_scores_of_the_recipes_are_those_of_their_records(link: str) -> None:
    summary = json.loads((ROOT / link).read_text(encoding="utf-8"))
    _, *cells = [cell.strip() for cell in RECIPES[link].strip("|").split("|")]
    assert cells[:4] == [
        f"{summary['dice']:.4f}",
        f"{summary['boundary_dice']:.4f}",
        str(summary["epochs"]),
        f"{round(summary['seconds'] / 60)} min",
    ]
