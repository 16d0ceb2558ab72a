"""Pages of the documentation that are generated from the code; the hook of mkdocs adds them."""

import argparse
import ast
import re
from collections.abc import Iterator
from typing import Any, Literal

import yaml

from humanseg.cli.main import COMMANDS, _parser
from humanseg.config.command_line.help import train_help
from humanseg.config.find import conf_folder
from humanseg.config.renames import KEYS
from humanseg.config.settings import BY_KEY
from humanseg.inference.catalog import BundledModel, bundled_models
from scripts.settings_table import settings_table

Kind = Literal["in_distribution", "out_of_distribution"]
KINDS: dict[Kind, str] = {
    "in_distribution": "like its data",
    "out_of_distribution": "of other sources",
}
"""Which photos a Dice on record is about, and what the pages call them."""
DEFAULT_FOR = {"photos": "photos", "videos": "videos, demo"}


def generated() -> dict[str, str]:
    """Return the pages that are made of the code, by their names."""
    return {
        "reference/commands.md": commands_page(),
        "reference/settings.md": settings_page(),
        "reference/groups.md": groups_page(),
        "reference/models.md": models_page(),
        "reference/error-codes.md": "# Error codes\n\n" + error_codes_list() + "\n",
    }


def commands_page() -> str:
    """Return every command with its options, from the parsers."""
    parts = [
        "# Commands\n\nGenerated from the commands: `humanseg COMMAND --help` prints the same.\n"
    ]
    for name, does in COMMANDS.items():
        parts.append(f"## humanseg {name}\n\n{does[0].upper()}{does[1:]}.\n")
        if name == "train":
            # Its settings have a page of their own; here their two columns would break.
            start, _, rest = train_help().partition("Settings beside the groups:")
            flags = rest[rest.index("Flags:") :].strip()
            parts.append(f"``` {{ .text .wrap }}\n{start}{flags}\n```\n")
            parts.append("It takes every [setting](settings.md) too.\n")
            continue
        whole = _parser(name)
        (choices,) = (a for a in whole._actions if isinstance(a, argparse._SubParsersAction))
        parser = choices.choices[name]
        usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
        parts.append(f"``` {{ .text .wrap }}\n{usage}\n```\n")
        rows = list(_options(parser))
        if rows:
            parts += ["| option | does |\n|---|---|", *rows, ""]
    return "\n".join(parts)


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    formatter = parser._get_formatter()
    for action in parser._actions:
        if "--help" in action.option_strings or action.help == argparse.SUPPRESS:
            continue
        shown = formatter._format_action_invocation(action)
        text = formatter._expand_help(action) if action.help else ""
        yield f"| `{shown}` | {text} |".replace("|train|", "\\|train\\|")


def settings_page() -> str:
    """Return every setting of a training, from its declaration."""
    return (
        "# Settings\n\nEvery setting of `humanseg train KEY=VALUE`, generated from its "
        "declaration. *decides* is what a setting affects: the result, where files go, or what the "
        "machine does; *on resume* is whether it may change when a run is resumed.\n\n"
        '<div class="settings" markdown>\n\n'
        f"{settings_table()}\n\n</div>\n"
    )


def groups_page() -> str:
    """Return every config group with its files."""
    conf = conf_folder()
    parts = [
        "# Config groups\n\nA group is a folder of `conf`, and each of its files is a value: "
        "`humanseg train GROUP=VALUE`. For files of your own, make the same folders elsewhere, and "
        "give the place by `--config-dir`.\n"
    ]
    for folder in sorted({path.parent for path in conf.rglob("*.yaml")}):
        group = folder.relative_to(conf).as_posix()
        if group in (".", "hydra/help"):
            continue
        parts.append(f"## {group}\n")
        for path in sorted(folder.glob("*.yaml")):
            text = path.read_text("utf-8")
            about, content = _split(text)
            parts.append(f"### {group}={path.stem}\n\n{about}\n\n```yaml\n{content}\n```\n")
    return "\n".join(parts)


def _split(text: str) -> tuple[str, str]:
    """Return the comment at the top of a YAML file as a sentence, and the rest of the file."""
    about, content = [], text.strip().splitlines()
    package = [content.pop(0)] if content[:1] and content[0].startswith("# @package") else []
    while content and content[0].startswith("#"):
        about.append(content.pop(0).removeprefix("#").strip())
    return " ".join(about), "\n".join([*package, *content])


def models_page() -> str:
    """Return the bundled models, from their records."""
    models = bundled_models().values()
    parts = [
        "# Bundled models\n\nGenerated from the records beside the models; `humanseg models` "
        "prints the table, and `humanseg models --json` everything. Dice is the mean per photo at "
        "threshold 0.5, with its 95 % confidence interval where it is known.\n",
        models_table(list(models)),
        "",
    ]
    for model in models:
        parts.append(f"\n## {model.name}\n\nFor {model.purpose}.\n")
        parts += list(_model_facts(model))
    return "\n".join(parts) + "\n"


def models_table(models: list[BundledModel]) -> str:
    """Return the table of bundled models that README and site show."""
    rows = [
        "| `--model` | default for | size | Dice, like its data | Dice, other sources | a photo "
        "| licence |",
        "|---|---|---|---|---|---|---|",
    ]
    for model in models:
        estimates = [model.dice(kind) for kind in KINDS]
        scores = ["" if estimate is None else f"{estimate.mean:.3f}" for estimate in estimates]
        cells = [
            f"`{model.name}`",
            ", ".join(DEFAULT_FOR[use] for use in model.default_for),
            f"{model.bytes / 1e6:.2f} MB",
            *scores,
            "" if model.milliseconds is None else f"{model.milliseconds:.1f} ms",
            model.licence or "",
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _model_facts(model: BundledModel) -> Iterator[str]:
    record: Any = model.record
    yield f"- File: `{model.file.name}`, {model.bytes / 1e6:.2f} MB, {model.parameters:,} weights."
    yield f"- Architecture: `{model.architecture}`, at a longer side of {model.long_side} px."
    yield "\n| Dice on photos | count | mean (95 % interval) |\n|---|---|---|"
    for kind, label in KINDS.items():
        estimate = model.dice(kind)
        if estimate is None:
            continue
        scores = record["dice"][kind]
        low_high = estimate.interval
        shown = f" ({low_high[0]:.4f} to {low_high[1]:.4f})" if low_high else ""
        what = f": {scores['what']}" if "what" in scores else ""
        yield f"| {label}{what} | {estimate.photos} | {estimate.mean:.4f}{shown} |"
        for source, mean in scores.get("by_source", {}).items():
            yield f"| of these from `{source}` | {mean['photos']} | {mean['mean']:.4f} |"
    for kind, item in record["dice"].get("unseen", {}).items():
        what = f"{KINDS[kind]}, which the project never had"
        yield f"| {what} | {item['photos']} | {item['mean']:.4f} |"
    yield ""
    empty = record.get("dice", {}).get("no_person")
    if empty:
        yield (
            f"- False positives: a person is predicted in {empty['people_seen']:.1%} of "
            f"{empty['photos']} photos without people."
        )
    latency = record.get("latency")
    if latency:
        height, width = latency["photo"]
        yield (
            f"- Time: {latency['milliseconds']} ms for {height}×{width} on {latency['threads']} "
            f"thread of {latency['device']}; {latency.get('what', '')}."
        )
    yield f"- Licence: {model.licence}."
    for source in record.get("data", []):
        count = f", {source['photos']} photos" if source.get("photos") else ""
        yield f"- Data: {source['name']}{count}. Licence: {source['licence']}."
    yield f"\nIts recipe:\n\n```yaml\n{yaml.safe_dump(record.get('recipe')).strip()}\n```"


def error_codes() -> list[str]:
    """Return every code of an error that is written out in humanseg."""
    texts: set[str] = set()
    given: set[str] = set()
    for path in (conf_folder().parent / "humanseg").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
            if isinstance(node, ast.keyword) and node.arg == "code":
                if isinstance(node.value, ast.Constant):
                    given.add(str(node.value.value))
    # Others are an attribute of their class, or travel in a variable.
    rooms = {code.partition(".")[0] for code in given if "." in code}
    code = re.compile(rf"({'|'.join(rooms)})\.[a-z][a-z_]*")
    settings = {*BY_KEY, *KEYS, *KEYS.values()}
    return sorted(
        text
        for text in texts - settings
        if code.fullmatch(text) and not text.endswith((".js", ".json", ".yaml"))
    )


def error_codes_list() -> str:
    """Return the codes as Markdown, a line for each room."""
    rooms: dict[str, list[str]] = {}
    for code in error_codes():
        rooms.setdefault(code.partition(".")[0], []).append(f"`{code}`")
    lines = [f"- {', '.join(codes)}" for codes in rooms.values()]
    lines.append(
        "- `data.` and what `humanseg check` calls a problem that stops a training, such as "
        "`data.missing_mask` and `data.sizes_differ`; `data.unsound` where there are several kinds"
    )
    return "\n".join(lines)
