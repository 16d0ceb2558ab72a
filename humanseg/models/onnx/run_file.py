"""Writes the checkpoint of a run as an fp32 ONNX file, with its metadata inside."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from humanseg.config.find import conf_folder
from humanseg.config.prediction import prediction_sizes
from humanseg.errors import HumansegError
from humanseg.io.files import whole_file
from humanseg.models import Segmenter
from humanseg.models.checkpoint import load_segmenter
from humanseg.models.ensemble import Ensemble
from humanseg.models.onnx.convert import convert, save
from humanseg.models.onnx.network import PhotoToMask, trace
from humanseg.runs import RunFolder, read_summary

FORMAT = 1
"""Of the metadata inside an ONNX file, and of an export's manifest: a reader refuses any other."""


@dataclass(frozen=True)
class TrainedNetwork:
    """A checkpoint of a run, ready to become a file.

    Attributes
    ----------
    network
        In fp32, with the run's threshold.
    config
        The run's settings.
    name
        Such as `unet-efficientnet_lite0`.
    others
        The settings of the other members, where it is an ensemble.
    """

    network: PhotoToMask
    config: DictConfig
    name: str
    others: tuple[DictConfig, ...] = ()


def load_network(
    run: RunFolder, checkpoint: Path | None = None, threshold: float | None = None
) -> TrainedNetwork:
    """Load the best checkpoint of a run, or another of its checkpoints.

    A threshold of None is the one that the run has; a run whose threshold was to be tuned and has
    not been yet is refused.
    """
    segmenter, config = load_segmenter(run, checkpoint)
    if threshold is None:
        tuned = config.threshold == "tune"
        threshold = read_summary(run.summary).get("threshold") if tuned else config.threshold
    if not isinstance(threshold, int | float):
        raise HumansegError(
            f"The threshold of {run.path} is tuned at the end of its training, which it has not "
            f"reached: continue by humanseg train resume={run.path}.",
            code="export.no_threshold",
        )
    parts = (_value_of("model", config.model), _value_of("backbone", config.backbone))
    return TrainedNetwork(PhotoToMask(segmenter, float(threshold)), config, "-".join(parts))


def make_ensemble(
    main: TrainedNetwork, others: Sequence[TrainedNetwork], weights: Sequence[float]
) -> TrainedNetwork:
    """Return the ensemble of a model and others, which have these weights; it has the rest.

    The threshold is that of the first.
    """
    members = [item.network.segmenter for item in (main, *others)]
    assert all(isinstance(member, Segmenter) for member in members)
    ensemble = Ensemble(members, [1 - sum(weights), *weights])  # type: ignore[arg-type]
    return replace(
        main,
        network=PhotoToMask(ensemble, main.network.threshold),
        name="+".join(item.name for item in (main, *others)),
        others=tuple(item.config for item in others),
    )


def model_metadata(trained: TrainedNetwork, size: tuple[int, int] | None) -> dict[str, Any]:
    """Return what an ONNX file must hold to be used alone; for `size` see `working_side`.

    Photos whose longer side is larger than `long_side` are scaled down to it first.
    """
    return {
        "format": FORMAT,
        "name": trained.name,
        "threshold": trained.network.threshold,
        "long_side": max(
            working_side(config, size) for config in (trained.config, *trained.others)
        ),
    }


def working_side(config: DictConfig, size: tuple[int, int] | None) -> int:
    """Return the longer side that a model works at: the largest `eval_size`, or `data.train_size`.

    Without them it is the longer side of the training samples, for which `size` may be needed: the
    height and width of most train photos.
    """
    side = max(prediction_sizes(config) or config.data.get("crop_size") or size or [0])
    if not side:
        raise HumansegError(
            "The run works at the size of its photos, and they are not where they were: say where "
            "they are by humanseg export RUN --data ROOT.",
            code="data.moved",
        )
    return int(side)


def write_onnx(trained: TrainedNetwork, size: tuple[int, int] | None, path: Path) -> None:
    """Write a network as an ONNX file, whole or not at all, without any verification."""
    metadata = model_metadata(trained, size)
    model = convert(trace(trained.network), metadata)
    with whole_file(path) as partial:
        save(model, partial)


def _value_of(group: str, node: DictConfig) -> str:
    """Find which shipped value of a group a part of a config was made from."""
    best, most = str(node["_target_"]).split(".")[-1].lower(), 0
    for path in sorted((conf_folder() / group).glob("*.yaml")):
        shipped = OmegaConf.load(path)
        assert isinstance(shipped, DictConfig)
        same = sum(key in node and node[key] == value for key, value in shipped.items())
        decisive = all(node.get(key) == shipped.get(key) for key in ("_target_", "name"))
        if decisive and same > most:
            best, most = path.stem, same
    return best if group == "model" or most else str(node.get("name", best))
