"""Turns the arguments of `humanseg train` into overrides that Hydra reads."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Quote, QuotedString
from hydra.errors import HydraException

from humanseg.config.renames import current_words
from humanseg.config.settings import SETTINGS
from humanseg.errors import HumansegError

PATH_SETTINGS = frozenset(setting.key for setting in SETTINGS if setting.path)
"""Settings that are a path or a part of one: a text, whatever it looks like."""
_LISTS = [setting.key for setting in SETTINGS if setting.takes_list]
"""Those that may be a list of paths, too."""

_OVERRIDE = re.compile(r"(\+{0,2}([\w.]+)=)(.*)", re.DOTALL)
_WORD = re.compile(r"[A-Za-z][\w/.-]*")
_NO_TEXTS = ("null", "true", "false", "nan", "inf")
_MANY = ("-m", "--multirun")

WITH_VALUE = (
    *("--config-dir", "-cd", "--config-path", "-cp", "--config-name", "-cn"),
    *("--cfg", "-c", "--package", "-p", "--experimental-rerun"),
)
"""Hydra's flags that take the next word."""


def hydra_words(arguments: Sequence[str]) -> list[str]:
    """Make the words of a command line into those that Hydra takes.

    ``--data ROOT`` becomes an override. Where Hydra refuses the path of one of `PATH_SETTINGS`
    (``~``, ``=``, brackets, letters beyond ASCII), or would take it for a number, it is put in
    quotes. What Hydra takes as a text, a list, an interpolation or a sweep stays as it is. No word
    at all is refused, one that is a path alone, and one that moves relative paths.
    """
    if not arguments:
        raise HumansegError(
            "Which photos? humanseg train data.root=photos (or --data photos) trains on those in "
            "the folder photos. To try it without any: humanseg sample sample, then humanseg "
            "train data.root=sample."
        )
    many = any(word in _MANY or word.startswith(("search=", "+search=")) for word in arguments)
    words = list(current_words(list(_with_data(arguments))))
    of_flags = [False, *(word in WITH_VALUE for word in words)]
    return [
        word if of_flag else _taken(word, many)
        for word, of_flag in zip(words, of_flags, strict=False)
    ]


def _with_data(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the words, with ``--data ROOT`` as an override."""
    words = iter(arguments)
    for word in words:
        flag, equals, root = word.partition("=")
        if flag != "--data":
            yield word
            continue
        root = root if equals else next(words, "")
        if not root:
            raise HumansegError("--data needs the folder of the photos: --data photos.")
        # Given by itself, it is one folder even where it holds a comma.
        yield f"data.root={_quoted(root)}"


def _taken(word: str, many: bool) -> str:
    override = _OVERRIDE.fullmatch(word)
    if override is None:
        if not word.startswith("-"):
            _require_no_folder(word)
        return word
    start, key, value = override.groups()
    if key == "hydra.job.chdir" and value.lower() != "false":
        raise HumansegError(
            f"{word}: relative paths would mean other places, and all that a run writes goes into "
            "its own folder anyway. Leave it out; run_dir=PATH says where the run goes."
        )
    # A single + adds what is not there; a recipe puts two before each setting.
    if value.replace(" ", "") == "{}" and start != f"+{key}=":
        raise HumansegError(
            f"{key}={{}} would take nothing away: Hydra merges it with the config. Write "
            f"{key}=null."
        )
    if key not in PATH_SETTINGS or _is_text(start, key, value, many):
        return word
    brackets = key in _LISTS and value.startswith("[") and value.endswith("]")
    if brackets and many:  # lists to choose from: whoever writes these can quote
        return word
    parts = value[1:-1].split(",") if brackets else value.split(",") if many else [value]
    quoted = [text if _is_text(start, key, text, many=False) else _quoted(text) for text in parts]
    joined = ",".join(quoted)
    return f"{start}[{joined}]" if brackets else start + joined


def _is_text(start: str, key: str, value: str, many: bool) -> bool:
    """Return whether Hydra takes a value for the text, or the texts, that it must be."""
    try:
        override = OverridesParser.create().parse_override(start + value)
    except HydraException:
        return False
    if override.is_sweep_override():
        taken: Any = override.value()
        # One run has no use for several values, so a comma is one of the name's.
        if not many:
            return not Path(value).expanduser().exists()
        values = taken.list if isinstance(taken, ChoiceSweep) else []
        return all(isinstance(item, str | QuotedString | None) for item in values)
    taken = override.value()
    return isinstance(taken, str | None) or (key in _LISTS and isinstance(taken, list))


def to_override(key: str, value: Any) -> str:
    """Return ``key=value`` in Hydra's words for a value of Python: a text stays a text."""
    return f"{key}={_in_hydras_words(value)}"


def _in_hydras_words(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, Mapping):
        items = (f"{key}: {_in_hydras_words(item)}" for key, item in value.items())
        return f"{{{', '.join(items)}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_in_hydras_words, value))}]"
    if isinstance(value, int | float):
        return repr(value)
    text = str(value)
    is_plain = _WORD.fullmatch(text) and text.lower() not in _NO_TEXTS
    return text if is_plain else _quoted(text)


def _quoted(text: str) -> str:
    return QuotedString(text, Quote.single).with_quotes()


def _require_no_folder(word: str) -> None:
    """Refuse a path that stands alone; ``~key`` is Hydra's way to take a setting out."""
    # The shell leaves ~ alone inside quotes.
    path = Path(word).expanduser() if word.startswith("~/") else Path(word)
    # Groups below others have a slash in their key: hydra/launcher=joblib.
    is_path = not word.startswith("~") and path.name != word and "=" not in word
    if path.is_dir() or is_path:
        raise HumansegError(
            f"{word}: humanseg train takes settings as key=value. To train on the photos in this "
            f"folder: humanseg train --data {quote(word)} (or {quote(f'data.root={word}')}); to go "
            f"on with the run in it: humanseg train {quote(f'resume={word}')}."
        )
