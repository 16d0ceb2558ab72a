"""The settings of `humanseg train` as Markdown, for the page of the documentation."""

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from humanseg.config.checking.check import RUNTIME
from humanseg.config.checking.signatures import parameters
from humanseg.config.checking.values import describe_annotation
from humanseg.config.find import conf_folder
from humanseg.config.settings import BY_KEY, PLAIN_GROUPS, kind_of, on_resume, top_level
from humanseg.config.targets import find_target

_GROUPS = ("data", "model", "backbone", "loss", "optimizer", "scheduler", "trainer", "callbacks")
_HEAD = "| setting | meaning | value | default | decides | on resume |\n|---|---|---|---|---|---|"
_PLAIN = (bool, int, float, str, list, tuple, dict)
_SECTION = re.compile(r"^(?:Parameters|Attributes)\n-{5,}\n(.*?)(?=^\w+\n-{3,}|\Z)", re.M | re.S)
_ENTRY = re.compile(r"^(\w[\w, ]*)\n((?:^[ ]{4}.*\n?)+)", re.M)


def settings_table() -> str:
    """Return the settings as Markdown: those beside the groups, and those of each group's classes.

    Returns
    -------
    str
        A heading and a table for each; the defaults are those of the shipped configs.
    """
    defaults = _read("train.yaml")
    keys = [*top_level(), *(key for key in BY_KEY if key.partition(".")[0] in PLAIN_GROUPS)]
    rows = [
        _row(key, BY_KEY[key].annotation, _at(defaults, key), BY_KEY[key].help)
        for key in BY_KEY
        if key in keys
    ]
    parts = ["## Settings of a run", "", _HEAD, *rows]
    for group in _GROUPS:
        for title, rows in _classes(group):
            parts += ["", f"## {title}", "", _HEAD, *rows]
    return "\n".join(parts) + "\n"


def _classes(group: str) -> Iterator[tuple[str, list[str]]]:
    """Yield a title and rows for each class that the options of a group name."""
    nodes: dict[str, tuple[list[str], str, dict[str, Any]]] = {}
    for path in sorted((conf_folder() / group).glob("*.yaml")):
        content = _read(f"{group}/{path.name}") or {}
        named = content if group == "callbacks" else {"": content}
        for name, node in named.items():
            if "_target_" in node:
                key = f"{group}.{name}".rstrip(".")
                nodes.setdefault(node["_target_"], ([], key, node))[0].append(path.stem)
    for target, (options, key, node) in nodes.items():
        helps, taken = _helps(find_target(target)), parameters(find_target(target))
        is_ours = target.startswith("humanseg.")
        given = RUNTIME.get(group, ())
        names = [n for n in taken if n in (helps if is_ours else node) and n not in given]
        rows = []
        for name in names:
            full = f"{key}.{name}"
            declared = BY_KEY.get(full)
            annotation = taken[name].annotation
            if declared is not None and declared.annotation is not None:
                annotation = declared.annotation
            default = node.get(name, taken[name].default)
            # What has no plain default is given by the code, and not by a config.
            if default is None or isinstance(default, _PLAIN):
                help_ = declared.help if declared else helps.get(name, "")
                rows.append(_row(full, annotation, default, help_))
        if rows:
            yield f"`{'`, `'.join(f'{group}={option}' for option in options)}`", rows


def _row(key: str, annotation: Any, default: Any, meaning: str) -> str:
    text = "null" if default is None else yaml.safe_dump(_plain(default), default_flow_style=True)
    shown = text.removesuffix("\n...\n").strip()
    cells = (
        f"`{key}`",
        meaning,
        describe_annotation(annotation),
        f"`{shown}`",
        kind_of(key),
        on_resume(key),
    )
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _helps(target: Any) -> Mapping[str, str]:
    """Read the first sentence on each parameter from the docstrings of a class and its bases."""
    found: dict[str, str] = {}
    for base in getattr(target, "__mro__", (target,)):
        if not base.__module__.startswith("humanseg."):
            continue
        for section in _SECTION.findall(inspect.getdoc(base) or ""):
            for names, text in _ENTRY.findall(section):
                sentence = re.split(r"(?<=\.)(?<!et al\.)\s", " ".join(text.split()))[0]
                for name in names.split(", "):
                    found.setdefault(name, sentence)
    return found


def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((conf_folder() / name).read_text("utf-8"))
    return content


def _at(node: Any, key: str) -> Any:
    for name in key.split("."):
        node = node[name]
    return node
