"""Static 8-bit quantisation, calibrated on train photos, with sensitive stages kept in float."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QDQQuantizer,
    QuantType,
    create_calibrator,
)
from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

from humanseg.exporting.folder import notify
from humanseg.exporting.runners import Runner, open_model
from humanseg.exporting.writers.stages import Stage, find_stages
from humanseg.metrics.scores import dice
from humanseg.models.onnx.convert import quiet_exporter, strip
from humanseg.models.onnx.network import INPUT
from humanseg.models.onnx.shared_weights import separate_weights, share_weights

PhotoAndMask = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""A photo uint8 (1,3,H,W) and its mask (H,W)."""
KEPT = (0, 1, 2, 3, 5, 8)
"""The numbers of stages to keep in float, in the order of trial."""
_PROBES = 8
"""Photos on which the sensitivity of a stage is measured."""


@dataclass(frozen=True)
class Quantised:
    """A quantised model and how it came to be.

    Attributes
    ----------
    model
        The model.
    stages
        In float, most sensitive first, besides normalisation and the last convolution.
    photos
        How many train photos it was calibrated on.
    drop
        Mean Dice that it loses on train photos that it was not calibrated on.
    """

    model: onnx.ModelProto
    stages: list[str]
    photos: int
    drop: float


def quantise(
    model: onnx.ModelProto,
    calibration: Sequence[PhotoAndMask],
    held_out: Sequence[PhotoAndMask],
    allowed: float,
) -> Quantised:
    """Quantise a model, with as few stages in float as the allowed drop of Dice requires.

    The ranges of activations are taken from `calibration`, the drop is measured on `held_out`.
    Where no choice is within the allowed drop, the one that loses least is returned.
    """
    notify("int8", "measuring the ranges of activations on train photos")
    ranges = _ranges(model, [photo for photo, _ in calibration])
    exact = open_model(model)
    expected = [exact(photo)[0] for photo, _ in held_out]
    wanted = _mean_dice([probability > 0.5 for probability in expected], held_out)
    stages = find_stages(model)
    order: list[Stage] = []
    best: Quantised | None = None
    for count in KEPT:
        if count > len(stages.inner):
            break
        if count and not order:
            notify("int8", "finding the stages that lose most in 8 bits")
            probes = [photo for photo, _ in held_out[:_PROBES]]
            order = _by_sensitivity(model, ranges, stages, probes, expected)
        in_float = order[:count]
        tried = _quantise(model, ranges, [*stages.always, *in_float])
        run = open_model(tried)
        drop = wanted - _mean_dice([run(photo)[0] > 0.5 for photo, _ in held_out], held_out)
        names = [stage.name for stage in in_float]
        listed = ", ".join(names) or "no stage"
        notify("int8", f"in float: {listed}; loses {drop:.4f} on held-out train photos")
        if best is None or drop < best.drop:
            best = Quantised(tried, names, len(calibration), drop)
        if drop <= allowed:
            break
    assert best is not None
    return best


def _mean_dice(masks: Sequence[NDArray[np.bool_]], pairs: Sequence[PhotoAndMask]) -> float:
    scores = [dice(mask[0, 0], truth) for mask, (_, truth) in zip(masks, pairs, strict=True)]
    return float(np.mean(scores))


class _Photos(CalibrationDataReader):
    """Photos as input of a calibrator."""

    def __init__(self, photos: Sequence[NDArray[np.uint8]]) -> None:
        self._photos = iter(photos)

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        photo = next(self._photos, None)
        return None if photo is None else {INPUT: photo}


def _ranges(model: onnx.ModelProto, photos: Sequence[NDArray[np.uint8]]) -> Any:
    """Measure the smallest and largest value of every tensor."""
    with tempfile.TemporaryDirectory() as folder, quiet_exporter():
        path = Path(folder) / "model.onnx"
        path.write_bytes(model.SerializeToString())
        calibrator = create_calibrator(
            path,
            augmented_model_path=str(Path(folder) / "augmented.onnx"),
            calibrate_method=CalibrationMethod.MinMax,
        )
        calibrator.collect_data(_Photos(photos))
        return calibrator.compute_data()


def _quantise(model: onnx.ModelProto, ranges: Any, floats: Sequence[Stage]) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    # The quantiser would give a bias that two nodes share the scale of one of them.
    separate_weights(copy)
    with quiet_exporter():
        quantiser = QDQQuantizer(
            copy,
            per_channel=True,
            # Weights of 7 bits: sums of 8-bit products overflow in the 16-bit units of processors
            # without VNNI, and in WebAssembly's relaxed SIMD.
            reduce_range=True,
            weight_qType=QuantType.QInt8,
            activation_qType=QuantType.QUInt8,
            tensors_range=ranges,
            nodes_to_quantize=[],
            nodes_to_exclude=[name for stage in floats for name in stage.nodes],
            op_types_to_quantize=list({*QDQRegistry, *QLinearOpsRegistry}),
            extra_options={},
        )
        quantiser.quantize_model()
        quantiser.model.topological_sort()
    quantised: onnx.ModelProto = quantiser.model.model
    strip(quantised)
    share_weights(quantised)
    return quantised


def _by_sensitivity(
    model: onnx.ModelProto,
    ranges: Any,
    stages: Any,
    probes: Sequence[NDArray[np.uint8]],
    expected: Sequence[NDArray[np.float32]],
) -> list[Stage]:
    """Order stages by how much closer the probabilities are if one alone stays in float."""

    def error(stage: Stage) -> float:
        run = open_model(_quantise(model, ranges, [*stages.always, stage]))
        return _error(run, probes, expected)

    return sorted(stages.inner, key=error)


def _error(
    run: Runner, photos: Sequence[NDArray[np.uint8]], expected: Sequence[NDArray[np.float32]]
) -> float:
    """Mean distance of probabilities."""
    pairs = zip(photos, expected, strict=False)
    return float(np.mean([np.abs(run(photo)[0] - right).mean() for photo, right in pairs]))
