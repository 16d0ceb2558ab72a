"""Renamed settings and options: the table of old names, and the functions that translate them.

The command line takes them with a line on stderr; the files of earlier runs without.
"""

import functools
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from humanseg.config.targets import own_packages, with_current_targets

KEYS: Mapping[str, str] = {
    "fresh": "restart",
    "predict_long_side": "eval_size",
    "teacher": "distillation.teachers",
    "teacher_weight": "distillation.weight",
    "data.unlabelled": "distillation.unlabelled_dir",
    "data.min_confidence": "distillation.min_confidence",
    "data.fit": "data.resize_mode",
    "data.size": "data.crop_size",
    "data.long_side": "data.train_size",
    "data.clean_specks": "data.min_component_area",
    "model.bins": "model.pool_sizes",
    "model.channels": "model.decoder_channels",
    "scheduler.decrease": "scheduler.factor",
    "scheduler.start": "scheduler.start_factor",
    "scheduler.end": "scheduler.end_factor",
    "scheduler.warmup": "scheduler.warmup_fraction",
    "augmentation.collage": "augmentation.copy_paste",
    "augmentation.copy_paste.elsewhere": "augmentation.copy_paste.p_background",
    "augmentation.copy_paste.company": "augmentation.copy_paste.p_extra_person",
    "augmentation.copy_paste.blur": "augmentation.copy_paste.p_blur",
    "augmentation.copy_paste.company_scale": "augmentation.copy_paste.extra_scale",
}
"""Keys by their old names, with all below them; each is looked up after those above it."""

OPTIONS: Mapping[str, Mapping[str, str]] = {
    "augmentation": {"world": "robust"},
    "experiment": {
        "tiny_world": "tiny_pretrain",
        "unet_lite2_world": "unet_lite2_pretrain",
        "unet_plain_world": "unet_plain_pretrain",
        "unet_lite2_home": "unet_lite2_finetune",
        "unet_plain_home": "unet_plain_finetune",
    },
}
"""Of each group the options by their old names."""

_FORMER_OPTIONS = {
    group: {new: old for old, new in names.items()} for group, names in OPTIONS.items()
}
_OF_CLASSES = ("data", "model", "scheduler", "augmentation")
"""Groups of which a person's own class may give an old name to a parameter of its own."""
_WORD = re.compile(r"(~|\+{0,2})([\w./]+)(?:(=)(.*))?", re.DOTALL)
_NAME = re.compile(r"[\w/-]+")


def current_key(key: str) -> str:
    """Return what a key is called now."""
    for old, new in KEYS.items():
        if f"{key}.".startswith(f"{old}."):
            key = new + key.removeprefix(old)
    return key


def current_word(word: str) -> str:
    """Return a word of a command line, such as ``key=value``, with the names of today."""
    found = _WORD.fullmatch(word)
    if found and own_packages():
        group, dot, _ = found[2].partition(".")
        if dot and group in _OF_CLASSES:
            return word
    return _renamed(word, current_key, OPTIONS)


def former_key(key: str) -> str:
    """Return what a key was called before."""
    for old, new in reversed(list(KEYS.items())):
        if f"{key}.".startswith(f"{new}."):
            key = old + key.removeprefix(new)
    return key


def former_word(word: str) -> str:
    """Return a word of a command line with the names from before."""
    return _renamed(word, former_key, _FORMER_OPTIONS)


def _renamed(
    word: str, rename: Callable[[str], str], options: Mapping[str, Mapping[str, str]]
) -> str:
    """Rename the key of a word, and the options that its value names."""
    found = _WORD.fullmatch(word)
    if found is None:
        return word
    sign, key, equals, value = found.groups()
    names = options.get(key, {})
    value = _NAME.sub(lambda name: names.get(name[0], name[0]), value or "")
    return f"{sign}{rename(key)}{equals or ''}{value}"


def current_words(words: Sequence[str]) -> Iterator[str]:
    """Yield the words of a command line with current names; print a note for each old one."""
    for word in words:
        new = current_word(word)
        if new != word:
            _note(word, new)
        yield new


def current_config(
    config: Mapping[str, Any], given: Collection[str] = (), notify: bool = False
) -> dict[str, Any]:
    """Return a copy of a plain config with current names; classes of a person's own keep theirs.

    `given` are keys of the command line: they win over the same key under its old name in a file.
    `notify`: whether to print a note for each old name.
    """
    current: dict[str, Any] = with_current_targets(config)
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
        if notify:
            _note(old, new)
        *above, name = new.split(".")
        node = current
        for part in above:
            node = node.setdefault(part, {})
        if new not in given or name not in node:
            node[name] = value
    return current


def current_summary(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run's summary with the current names of settings."""
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


@functools.cache
def _note(old: str, new: str) -> None:
    """Print once that something has a new name."""
    print(f"note    {old} is called {new} now", file=sys.stderr)
