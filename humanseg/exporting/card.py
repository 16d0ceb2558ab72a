"""The model card: what a model is for, how good it is, how to call it."""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import PurePath
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from omegaconf import DictConfig, OmegaConf

from humanseg.config.settings import BY_KEY, is_incidental, kind_of
from humanseg.exporting.benchmark import Timing, threads_here
from humanseg.exporting.source import ExportSource
from humanseg.exporting.verify import Verification
from humanseg.exporting.writers.int8 import Quantised
from humanseg.exporting.writers.onnx import OPSET
from humanseg.pages.render import score
from humanseg.training.machine.environment import device_name

SHARES = [0.0, 0.1, 0.2, 0.4, 0.6, 1.0]
"""Bounds between groups of photos, by the share that is person."""


def render_card(
    manifest: dict[str, Any],
    source: ExportSource,
    verification: Verification,
    timings: Sequence[Timing],
    quantised: Quantised | None,
    size: tuple[int, int],
) -> str:
    """Write the model card.

    Parameters
    ----------
    manifest
        From `make_manifest`.
    source
        The run.
    verification
        Scores of the checkpoint and of each file.
    timings
        Of each file; others are passed over.
    quantised
        The quantised model, where there is one.
    size
        Height and width of the photos that were timed.

    Returns
    -------
    str
        Markdown.
    """
    latency = {each.name: each.latency_ms for each in timings}
    files = [
        {
            "name": each.file,
            "runtime": {"onnx": "onnxruntime", "pt2": "torch"}[each.runtime],
            "precision": each.precision,
            "bytes": manifest["files"][each.file]["bytes"],
            "dice": tally.dice,
            "boundary": tally.scores.means()["boundary_dice"],
            "differing": tally.differing_share,
            "latency": " / ".join(f"{ms:.1f} ms" for ms in latency[each.file].values())
            if each.file in latency
            else "–",
        }
        for each, tally in verification.files.items()
    ]
    names = [each.file for each in verification.files]
    return (
        _environment()
        .get_template("card.md")
        .render(
            manifest=manifest,
            files=files,
            checkpoint={
                "dice": verification.checkpoint.dice,
                "boundary": verification.checkpoint.scores.means()["boundary_dice"],
            },
            extra=source.summary.get("data", {}).get("extra") or {},
            sources=source.summary.get("dice_by_source") or {},
            groups=by_share(verification.checkpoint.scores.table()),
            quantised=quantised,
            own=verification.own,
            tta=bool(source.config.get("tta")),
            threads=threads_here(),
            calls=timings[0].calls if timings else 0,
            size=size,
            device=device_name("cpu").split(",")[0],
            opset=OPSET,
            onnx_file=next((name for name in names if name.endswith(".onnx")), None),
            has_pt2="model.pt2" in names,
            settings=_settings(source.config),
        )
    )


def by_share(scores: pd.DataFrame) -> list[dict[str, Any]]:
    """Average scores by the share of a photo that is person.

    Parameters
    ----------
    scores
        With `foreground`, `dice` and `boundary_dice`, a row per photo.

    Returns
    -------
    list of dict
        `share` in words, `photos`, and the means of `dice` and `boundary_dice`, for each group
        that has photos.
    """
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
        return {key: _without_places(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_places(each) for each in value]
    if isinstance(value, str) and PurePath(value).is_absolute():
        return PurePath(value).name
    return value


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("humanseg.exporting"),
        autoescape=False,  # Markdown, not HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        score=score,
        megabytes=lambda length: f"{length / 1e6:.2f} MB",
        share=lambda value: f"{value:.4%}".replace("%", " %"),
        code=lambda text: f"`{text}`",
    )
    return environment
