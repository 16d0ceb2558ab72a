"""Stages that the settings of a later stage name, in place of the folders of their runs."""

from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser

from humanseg.config.command_line.overrides import to_override
from humanseg.sweeps.naming import key_of

REFERENCE = "stage:"
"""The prefix of the name of an earlier stage, in place of the folder of a run."""
STARTS_FROM, LEARNS_FROM = "init_from", "distillation.teachers"


def references(word: str) -> list[str]:
    """List the stages that a word names, by themselves or by a file of theirs."""
    value = OverridesParser.create().parse_override(word).value() if REFERENCE in word else None
    values = value if isinstance(value, list) else [value]
    named = [str(item)[len(REFERENCE) :] for item in values if str(item).startswith(REFERENCE)]
    return [name.partition("/")[0] for name in named]


def with_folders(word: str, folder: Path) -> str:
    """Replace names of stages by their folders, which are in `folder`."""
    if key_of(word) not in (STARTS_FROM, LEARNS_FROM) or not references(word):
        return word
    value = OverridesParser.create().parse_override(word).value()

    def placed(item: Any) -> str:
        text = str(item)
        return str(folder / text[len(REFERENCE) :]) if text.startswith(REFERENCE) else text

    where = [placed(item) for item in value] if isinstance(value, list) else placed(value)
    return to_override(word.partition("=")[0], where)
