from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray

from humanseg.evaluation.data import data_of
from humanseg.exporting.runners import open_model
from humanseg.exporting.source import ExportSource, train_pairs
from humanseg.exporting.writers import int8
from humanseg.exporting.writers.int8 import PhotoAndMask, quantise
from humanseg.exporting.writers.stages import find_stages
from humanseg.models import LightUNet, PlainBackbone, build_segmenter
from humanseg.models.onnx.convert import convert, save
from humanseg.models.onnx.network import PhotoToMask, trace

Pairs = list[PhotoAndMask]


@pytest.fixture(scope="module")
def pairs(source: ExportSource) -> Pairs:
    return train_pairs(data_of(source.config), 6)


def test_train_photos_are_drawn_and_never_valid_ones(source: ExportSource, pairs: Pairs) -> None:
    photos = data_of(source.config)
    store = photos.split("train").photos
    own = {store[index][0].tobytes() for index in range(len(store))}
    drawn = [np.ascontiguousarray(photo[0].transpose(1, 2, 0)).tobytes() for photo, _ in pairs]
    assert set(drawn) == own and len(drawn) == 6
    assert [mask.shape for _, mask in pairs] == [(64, 48)] * 6


def test_stages_hold_every_node_once_and_bear_the_nets_names(model: onnx.ModelProto) -> None:
    stages = find_stages(model)
    found = [name for stage in (*stages.always, *stages.inner) for name in stage.nodes]
    assert sorted(found) == sorted(node.name for node in model.graph.node)
    names = [stage.name for stage in stages.inner]
    assert names == ["backbone.levels.0", "backbone.levels.1", "decoder.steps.0"]
    before, after = stages.always
    convs = {node.name for node in model.graph.node if node.op_type == "Conv"}
    assert not convs & set(before.nodes) and len(convs & set(after.nodes)) == 1


def quantised_weights(model: onnx.ModelProto) -> set[str]:
    """Names of the weights that are stored in 8 bits."""
    return {
        each.name.removesuffix("_quantized")
        for each in model.graph.initializer
        if each.name.endswith("weight_quantized") and each.data_type == onnx.TensorProto.INT8
    }


def test_a_loss_that_is_allowed_keeps_no_stage_in_float(
    model: onnx.ModelProto,
    pairs: Pairs,
    noise: Callable[..., NDArray[np.uint8]],
    tmp_path: Path,
) -> None:
    result = quantise(model, pairs[:3], pairs[3:], allowed=1.0)
    assert result.stages == [] and abs(result.drop) < 0.2
    convs = [node for node in model.graph.node if node.op_type == "Conv"]
    assert quantised_weights(result.model) == {node.input[1] for node in convs[:-1]}
    # Standard operators, one file, the model_metadata of the fp32 one.
    save(result.model, tmp_path / "model.int8.onnx")
    assert result.model.metadata_props == model.metadata_props
    photos = noise(33, 47, 2)
    off = np.abs(open_model(result.model)(photos)[0] - open_model(model)(photos)[0])
    assert 0 < off.mean() < 0.1


def test_weights_leave_room_for_sums_in_16_bits(model: onnx.ModelProto, pairs: Pairs) -> None:
    result = quantise(model, pairs[:3], pairs[3:], allowed=1.0)
    for each in result.model.graph.initializer:
        if each.name.endswith("weight_quantized"):
            assert np.abs(onnx.numpy_helper.to_array(each)).max() <= 64


def test_a_net_at_two_sizes_is_quantised_once(
    pairs: Pairs, noise: Callable[..., NDArray[np.uint8]], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    segmenter = build_segmenter(LightUNet, PlainBackbone(widths=(4, 8)), [48, 32])
    model = convert(trace(PhotoToMask(segmenter, 0.5)), {})
    stages = find_stages(model)
    assert len({stage.name for stage in stages.inner}) == len(stages.inner)
    assert [stage.name for stage in stages.always] == ["input", "input", "output"]
    found = [name for stage in (*stages.always, *stages.inner) for name in stage.nodes]
    assert sorted(found) == sorted(node.name for node in model.graph.node)

    result = quantise(model, pairs[:3], pairs[3:], allowed=1.0)
    save(result.model, tmp_path / "model.int8.onnx")
    stored = [
        each for each in result.model.graph.initializer if each.data_type == onnx.TensorProto.INT8
    ]
    weights = [each for each in stored if len(each.dims) == 4]
    convs = {node.input[1] for node in model.graph.node if node.op_type == "Conv"}
    assert len(weights) == len(convs) - 1
    photos = noise(33, 47, 2)
    exact, rounded = (open_model(each)(photos)[0] for each in (model, result.model))
    assert 0 < np.abs(exact - rounded).mean() < 0.1


def test_stages_are_kept_until_the_loss_is_allowed(
    model: onnx.ModelProto,
    pairs: Pairs,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Each try scores what this list says: fp32 first, then with 0, 1 and 2 stages in float.
    scores = iter([0.9, 0.8, 0.85, 0.895])
    monkeypatch.setattr(int8, "_mean_dice", lambda *_: next(scores))
    result = quantise(model, pairs[:3], pairs[3:], 0.01)
    assert len(result.stages) == 2 and result.drop == pytest.approx(0.005)
    names = {stage.name: stage for stage in find_stages(model).inner}
    floats = {
        node.input[1]
        for node in model.graph.node
        if node.op_type == "Conv" and any(node.name in names[name].nodes for name in result.stages)
    }
    assert floats and not floats & quantised_weights(result.model)
    assert "0.0500" in capsys.readouterr().out


def test_where_nothing_is_good_enough_the_best_try_is_taken(
    model: onnx.ModelProto, pairs: Pairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter([0.9, 0.5, 0.7, 0.6, 0.6])
    monkeypatch.setattr(int8, "_mean_dice", lambda *_: next(scores))
    result = quantise(model, pairs[:3], pairs[3:], 0.0)
    assert len(result.stages) == 1 and result.drop == pytest.approx(0.2)


def test_the_most_sensitive_stage_comes_first(
    model: onnx.ModelProto, pairs: Pairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = iter([0.4, 0.1, 0.3])
    monkeypatch.setattr(int8, "_error", lambda *_: next(errors))
    scores = iter([0.9, 0.1, 0.9])
    monkeypatch.setattr(int8, "_mean_dice", lambda *_: next(scores))
    result = quantise(model, pairs[:3], pairs[3:], 0.0)
    assert result.stages == ["backbone.levels.1"]
