"""Settings and options that were called otherwise: the one table, and what still reads old names.

The command line takes them with a line on stderr; the files of earlier runs without.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from humanseg.config.targets import current_name

KEYS: Mapping[str, str] = {}
"""Keys by their old names, with all below them."""

OPTIONS: Mapping[str, Mapping[str, str]] = {}
"""Of each group the options by their old names."""

_WORD = re.compile(r"(~|\+{0,2})([\w./]+)(?:(=)(.*))?", re.DOTALL)
_NAME = re.compile(r"[\w/-]+")


def current_key(key: str) -> str:
    """Return what a key is called now."""
    for old, new in KEYS.items():
        if f"{key}.".startswith(f"{old}."):
            return new + key.removeprefix(old)
    return key


def current_word(word: str) -> str:
    """Return a word of a command line, such as ``key=value``, with the names of today."""
    found = _WORD.fullmatch(word)
    if found is None:
        return word
    sign, key, equals, value = found.groups()
    options = OPTIONS.get(key, {})
    if options and value:
        value = _NAME.sub(lambda name: options.get(name[0], name[0]), value)
    return f"{sign}{current_key(key)}{equals or ''}{value or ''}"


def current_words(words: Sequence[str]) -> Iterator[str]:
    """Yield the words of a command line with the names of today, and say which are others now."""
    for word in words:
        new = current_word(word)
        if new != word:
            print(f"note    {word} is called {new} now", file=sys.stderr)
        yield new


def current_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config of a run with the names of today.

    Parameters
    ----------
    config
        Plain, as `config.yaml` holds it. What a class of a person's own takes keeps its name.

    Returns
    -------
    dict
        A copy.
    """
    current: dict[str, Any] = _with_current_targets(config)
    for old, new in KEYS.items():
        *above, name = old.split(".")
        node: Any = current
        for part in above:
            node = node.get(part) if isinstance(node, dict) else None
        if not isinstance(node, dict) or name not in node:
            continue
        if not str(node.get("_target_", "humanseg.")).startswith("humanseg."):
            continue
        value = node.pop(name)
        *above, name = new.split(".")
        node = current
        for part in above:
            node = node.setdefault(part, {})
        node.setdefault(name, value)
    return current


def current_summary(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run's summary with the names of today in what it has of settings."""
    current = dict(summary)
    if isinstance(sources := summary.get("sources"), dict):
        current["sources"] = {current_key(key): value for key, value in sources.items()}
    if isinstance(choices := summary.get("choices"), dict):
        current["choices"] = {
            group: OPTIONS.get(group, {}).get(option, option) for group, option in choices.items()
        }
    if isinstance(overrides := summary.get("overrides"), list):
        current["overrides"] = [current_word(str(word)) for word in overrides]
    if isinstance(resumed := summary.get("resumed"), list):
        current["resumed"] = [
            {**step, "changed": {current_key(key): both for key, both in step["changed"].items()}}
            for step in resumed
        ]
    return current


def _with_current_targets(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {
            key: current_name(value)
            if key == "_target_" and isinstance(value, str)
            else _with_current_targets(value)
            for key, value in node.items()
        }
    return [_with_current_targets(one) for one in node] if isinstance(node, list) else node
