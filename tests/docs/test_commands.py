"""Every command and setting in README and documentation is one that the program takes."""

import argparse
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import hydra
import pytest
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf

from humanseg.config.checking.check import find_mistakes
from humanseg.config.checking.compatibility import pair_mistake
from humanseg.config.checking.validate import options
from humanseg.config.find import conf_folder
from humanseg.recipes.compose import StageComposer
from humanseg.recipes.plugin import recipe_words
from humanseg.recipes.recipe import read_recipe
from tests.docs.documents import BLOCKS, INLINE, LINES, ROOT, TEXTS, codes, humanseg_words, table

TARGETS = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text("utf-8"), re.M)[0].split()
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
    "optional-dependencies"
]
OTHERS = (
    "python3 -m venv .venv",
    "source .venv/bin/activate",
    "export PYTHONPATH=. HUMANSEG_PACKAGES=my_package",
    "wandb agent ENTITY/PROJECT/SWEEP",
)
MARKED = [
    code for line in table("docs/how-to/train.md", "| setting | does |") for code in codes(line[0])
]


def commands() -> list[str]:
    """Return every whole `humanseg …` command; one with … in it is no command yet."""
    found = [words for line in LINES if (words := humanseg_words(line))]
    found += [one for one in INLINE if one.startswith("humanseg ")]
    # COMMAND stands for any of them.
    return sorted({one for one in found if "…" not in one and "COMMAND" not in one})


def overrides() -> list[str]:
    """Return what is given to a training, as words of a command line."""
    found = [
        one.removeprefix("humanseg train ")
        for one in commands()
        if one.startswith("humanseg train ")
    ]
    for line in LINES:
        arguments = [word for word in shlex.split(line) if word.startswith("ARGS=")]
        found += [word.removeprefix("ARGS=") for word in arguments if line.startswith("make run ")]
    setting = re.compile(r"[a-z][\w.]*=\S+")
    words = [shlex.split(one) for one in INLINE if "'" not in one or one.count("'") == 2]
    found += [
        shlex.join(some)
        for some in words
        if some
        and all(map(setting.fullmatch, some))
        and not re.search("…|GROUP|[A-Z]{4,}=", str(some))
    ]
    return sorted({one for one in found if "…" not in one and "=VALUE" not in one})


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


def without_flags(given: str) -> list[str]:
    words = shlex.split(given)
    flags = {"--help": 0, "-m": 0, "--dry-run": 0, "--cfg": 1, "--config-dir": 1}
    for flag, values in flags.items():
        if flag in words:
            place = words.index(flag)
            del words[place : place + 1 + values]
    # The defaults lack it: a command line may add Lightning's options, compose wants to be told.
    return [f"++{word}" if word.startswith("trainer.num_nodes=") else word for word in words]


TRAININGS = overrides()

CHOSEN = {
    "backbone.": "backbone=resnet18",
    "callbacks.early_stopping.": "callbacks=early_stopping",
}
"""What the text has chosen before it names a setting of it; the defaults lack these."""


@pytest.mark.parametrize("given", [one for one in TRAININGS if "recipe" not in one])
def test_every_training_command_and_setting_is_accepted(given: str, own_conf: Path) -> None:
    words = without_flags(given)
    for prefix, choice in CHOSEN.items():
        if given not in MARKED and all(word.startswith(prefix) for word in words):
            words.insert(0, choice)
    # "mine" stands for a file of one's own.
    for job in single(words):
        assert find_mistakes(compose(job, own_conf)) == []


@pytest.mark.parametrize("given", [one for one in TRAININGS if "recipe=" in one])
def test_every_recipe_command_is_accepted(given: str, own_conf: Path) -> None:
    plain = without_flags(given)
    (name,) = (word.partition("=")[2] for word in plain if word.startswith("recipe="))
    words = recipe_words(plain)
    given_words = [word for word in words if not re.match(r"\+*recipe\b|hydra", word)]
    if name.endswith("record.json"):
        assert find_mistakes(compose(given_words, own_conf)) == []
        return
    words.append(f"hydra.searchpath=['file://{own_conf}']")
    assert name in [*options(conf_folder(), "recipe"), "mine"]
    GlobalHydra.instance().clear()
    with hydra.initialize_config_dir(str(conf_folder()), version_base="1.3"):
        config = hydra.compose("train", words, return_hydra_config=True)
        loader = GlobalHydra.instance().config_loader()
        node: Any = OmegaConf.to_container(config.recipe, resolve=True)
        recipe = read_recipe(name, node, lambda key: bool(loader.get_group_options(key)))
        context = HydraContext(config_loader=loader, callbacks=None)  # type: ignore[arg-type]
        composer = StageComposer(context, config, Path("runs").absolute() / name, given_words)
        # All stages have been checked by the recipe's own tests; here it is about the words.
        for stage in recipe.stages[:2]:
            assert find_mistakes(composer.compose(stage).request.config) == []


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
    if words[0].startswith("-"):
        reached.append(words[0])
    elif len(words) == 1 and words[0] not in ("check-configs", "models", "demo", "compare"):
        # A command that is only named: its arguments stand elsewhere.
        words = [words[0], "--help"]
        reached.append(words[0])
    try:
        assert main.main(words) == 0
    except SystemExit as done:
        assert done.code == 0, capsys.readouterr().err
    assert reached == words[:1]


@pytest.mark.parametrize("line", sorted(set(LINES)))
def test_every_line_of_the_shell_is_one_that_is_checked(line: str) -> None:
    words = shlex.split(line)
    if humanseg_words(line):
        assert humanseg_words(line) in commands()
    elif words[0] == "make":
        assert words[1] in TARGETS and all("=" in word for word in words[2:])
    elif words[0] == "pip":
        assert words[1] == "install" and words[2].startswith(".")
        extras = re.findall(r"\[(.*)\]", words[2])
        assert {extra for some in extras for extra in some.split(",")} <= EXTRAS.keys()
    elif words[:2] == ["wandb", "sweep"]:
        assert (ROOT / words[-1]).is_file()
    elif words[0] == "python":
        assert (ROOT / words[1]).is_file()
        known = (ROOT / words[1]).read_text("utf-8")
        assert [
            word for word in words[2:] if word.startswith("--") and f'"{word}"' not in known
        ] == []
    else:
        assert line in OTHERS, "mark its block with <!-- not run: reason -->"


def test_make_targets_and_extras_that_are_named_exist() -> None:
    named = {word for code in INLINE for word in re.findall(r"^make ([\w-]+)", code)}
    named |= {word for line in LINES for word in re.findall(r"^make ([\w-]+)", line)}
    assert {"run", "test", "docs"} <= named <= set(TARGETS)
    extras = {
        name
        for code in INLINE
        for found in re.findall(r"\"\.\[([\w,]+)\]", code)
        for name in found.split(",")
    }
    assert {"train", "joblib", "submitit", "ray"} <= extras <= EXTRAS.keys()


def test_scripts_that_are_named_exist() -> None:
    named = {
        name
        for text in TEXTS.values()
        for name in re.findall(r"(?:scripts|humanseg|tests)/[\w/]+\.py", text)
    }
    assert named and [name for name in named if not (ROOT / name).is_file()] == []


def test_a_block_that_is_not_run_says_why() -> None:
    known = ("not run: ", "run with: ", "config of: ")
    marks = [block.mark for block in BLOCKS if block.mark]
    assert [mark for mark in marks if not mark.startswith(known)] == []
    assert all(len(block.reason) > 15 for block in BLOCKS if block.mark.startswith("not run"))
    # What can be run is not marked away: only what other programs and languages are for.
    assert {block.language for block in BLOCKS if block.reason} <= {"javascript", "cpp", "python"}
    assert len([block for block in BLOCKS if block.reason]) <= 4


def test_every_block_is_of_a_language_that_is_checked() -> None:
    checked = {"sh", "python", "yaml", "text"}
    left = [str(block) for block in BLOCKS if block.language not in checked and not block.reason]
    assert left == []
