"""The model card: what a model is for, how good it is, how to call it."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from omegaconf import DictConfig, OmegaConf

from humanseg.export.benchmark import Timing, threads_here
from humanseg.export.checking import Checked
from humanseg.export.onnx import OPSET
from humanseg.export.source import Source
from humanseg.export.statistics import by_share
from humanseg.export.writing import Kept
from humanseg.pages.render import score
from humanseg.training.facts import device_name

_SETTINGS = ("model", "backbone", "loss", "augmentation", "optimizer", "scheduler")
_DATA_SETTINGS = ("size", "fit", "long_side", "batch_size", "fold", "folds")


def render_card(
    manifest: dict[str, Any],
    source: Source,
    checked: Checked,
    timings: Sequence[Timing],
    kept: Kept | None,
    size: tuple[int, int],
) -> str:
    """Write the model card.

    Parameters
    ----------
    manifest
        From `make_manifest`.
    source
        The run.
    checked
        Scores of the checkpoint and of each file.
    timings
        Of each file; others are passed over.
    kept
        How the quantised file was made, where there is one.
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
        for each, tally in checked.files.items()
    ]
    names = [each.file for each in checked.files]
    return (
        _environment()
        .get_template("card.md")
        .render(
            manifest=manifest,
            files=files,
            said={
                "dice": checked.said.dice,
                "boundary": checked.said.scores.means()["boundary_dice"],
            },
            groups=by_share(checked.said.scores.rows),
            kept=kept,
            own=checked.own,
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


def _settings(config: DictConfig) -> str:
    """Write the settings that a result depends on, without the places of one machine."""
    chosen = {key: config[key] for key in _SETTINGS if key in config}
    chosen["data"] = {key: config.data[key] for key in _DATA_SETTINGS if key in config.data}
    chosen |= {key: config[key] for key in ("seed", "threshold", "tta") if key in config}
    plain = OmegaConf.create(chosen)
    weights = plain.get("backbone", {}).get("weights")
    if isinstance(weights, str):
        plain.backbone.weights = weights.rsplit("/", 1)[-1]
    return OmegaConf.to_yaml(plain).rstrip()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("humanseg.export"),
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
