"""The model card: the purpose of a model, its scores, and how to call it."""

import math
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import PurePath
from typing import Any

import pandas as pd
from jinja2 import Environment
from omegaconf import DictConfig, OmegaConf

from humanseg.config.settings import BY_KEY, is_incidental, kind_of
from humanseg.exporting.benchmark import Timing, threads_here
from humanseg.exporting.source import ExportSource
from humanseg.exporting.verify import Verification
from humanseg.exporting.writers.int8 import Quantised
from humanseg.io.tables import as_numbers, read_table
from humanseg.models.onnx.convert import OPSET
from humanseg.pages.render import percent, score, templates_of
from humanseg.training.machine.environment import device_name

SHARES = [0.0, 0.1, 0.2, 0.4, 0.6, 1.0]
"""Bounds between groups of photos, by the share that is person."""


def render_card(
    manifest: dict[str, Any],
    source: ExportSource,
    verification: Verification | None,
    timings: Sequence[Timing],
    quantised: Quantised | None,
    size: tuple[int, int],
) -> str:
    """Write the model card as Markdown.

    Without `verification` it is that of a quick export, whose one file was checked on a few photos.
    Timings of other files are passed over.
    """
    if verification is None:
        scored, files = read_scores(source), ["model.onnx"]
    else:
        scored = verification.checkpoint.scores.table()
        files = [file.file for file in verification.files]
    return (
        _environment()
        .get_template("card.md")
        .render(
            manifest=manifest,
            verification=verification,
            files=files,
            onnx_file=next((name for name in files if name.endswith(".onnx")), None),
            extra=source.summary.get("data", {}).get("extra") or {},
            sources=(source.summary.get("dice_by_source") or {}) if source.is_as_scored else {},
            ensemble=source.ensemble,
            groups=[] if scored is None else by_share(scored),
            quantised=quantised,
            tta=bool(source.config.get("tta")),
            threads=threads_here(),
            latency={timing.name: timing.latency_ms for timing in timings},
            calls=timings[0].calls if timings else 0,
            size=size,
            device=device_name("cpu").split(",")[0],
            opset=OPSET,
            settings=_settings(source.config),
        )
    )


def read_scores(source: ExportSource) -> pd.DataFrame | None:
    """Return the run's own scores of each valid photo; None where it has none of this model."""
    if not (source.is_as_scored and source.run.scores.is_file()):
        return None
    return as_numbers(read_table(source.run.scores)[["dice", "boundary_dice", "foreground"]])


def by_share(scores: pd.DataFrame) -> list[dict[str, Any]]:
    """Average scores by the share of a photo that is person, for each group that has photos."""
    names = [f"{low:.0%} to {high:.0%}".replace("%", " %") for low, high in pairwise(SHARES)]
    group = pd.cut(scores["foreground"], SHARES, labels=names, include_lowest=True)
    return [
        {
            "share": name,
            "photos": len(rows),
            "dice": rows["dice"].mean(),
            "boundary_dice": rows["boundary_dice"].mean(),
        }
        for name, rows in scores.groupby(group, observed=True)
    ]


def _settings(config: DictConfig) -> str:
    """Write the settings that a result depends on; of files and folders, only their names."""
    plain = OmegaConf.to_container(config, resolve=True)
    assert isinstance(plain, dict)
    for key in [key for key in BY_KEY if is_incidental(key) or kind_of(key) == "data"]:
        *parents, last = key.split(".")
        node: Any = plain
        for parent in parents:
            node = node.get(parent, {})
        node.pop(last, None)
    return OmegaConf.to_yaml(OmegaConf.create(_without_places(plain))).rstrip()


def _without_places(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_places(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_places(item) for item in value]
    if isinstance(value, str) and PurePath(value).is_absolute():
        return PurePath(value).name
    return value


@cache
def _environment() -> Environment:
    # Markdown, not HTML.
    environment = templates_of("humanseg.exporting", autoescape=False, keep_trailing_newline=True)
    environment.filters.update(
        # null in JSON is what is not defined.
        score=lambda value: score(math.nan if value is None else value),
        percent=percent,
        megabytes=lambda length: f"{length / 1e6:.2f} MB",
        share=lambda value: f"{value:.4%}".replace("%", " %"),
        code=lambda text: f"`{text}`",
        milliseconds=lambda number: f"{number:.1f} ms",
    )
    return environment
