from collections.abc import Callable

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from humanseg.exporting.runners import open_model, run_network
from humanseg.models import LightUNet, PlainBackbone, PSPNet, build_segmenter
from humanseg.models.onnx.convert import convert
from humanseg.models.onnx.fold_batch_norm import fold_batch_norms
from humanseg.models.onnx.network import PhotoToMask, trace


def learned_psp(backbone: PlainBackbone) -> PSPNet:
    return PSPNet(backbone, pool_sizes=(1, 2), decoder_channels=16, upsampling="learned")


def normed_skips(backbone: PlainBackbone) -> LightUNet:
    return LightUNet(backbone, lateral_norm=True)


@pytest.mark.parametrize(
    "net", [LightUNet, normed_skips, learned_psp], ids=["added", "normed and added", "shuffled"]
)
def test_norms_behind_sums_and_shuffles_are_folded(net: Callable[..., nn.Module]) -> None:
    torch.manual_seed(1)
    segmenter = build_segmenter(net, PlainBackbone(widths=(4, 8)))
    for norm in segmenter.modules():
        if isinstance(norm, nn.BatchNorm2d):
            for values in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
                assert values is not None
                nn.init.uniform_(values, 0.5, 2.0)
    network = PhotoToMask(segmenter, 0.5)
    model = convert(trace(network), {})
    assert "BatchNormalization" not in {node.op_type for node in model.graph.node}
    photos = np.random.default_rng(0).integers(0, 256, (2, 3, 24, 16), np.uint8)
    np.testing.assert_allclose(
        open_model(model)(photos)[0], run_network(network)(photos)[0], atol=1e-5
    )


def graph(shared: bool) -> onnx.ModelProto:
    """Convolution and batch norm; with `shared`, the convolution's result is an output too."""
    make, numpy = onnx.helper.make_node, onnx.numpy_helper.from_array
    nodes = [
        make("Conv", ["x", "w"], ["y"], name="conv"),
        make("BatchNormalization", ["y", "gamma", "beta", "mean", "var"], ["z"], name="norm"),
        make("Relu", ["z"], ["out"], name="relu"),
    ]
    ones = {name: np.full(2, 0.5, np.float32) for name in ("gamma", "beta", "mean", "var")}
    values = {"w": np.ones((2, 1, 1, 1), np.float32)} | ones
    value = onnx.helper.make_tensor_value_info
    outputs = [value("out", 1, None), *([value("y", 1, None)] if shared else [])]
    return onnx.helper.make_model(
        onnx.helper.make_graph(
            nodes,
            "graph",
            [value("x", 1, [1, 1, 2, 2])],
            outputs,
            [numpy(array, name) for name, array in values.items()],
        ),
        opset_imports=[onnx.helper.make_opsetid("", 20)],
        ir_version=10,
    )


@pytest.mark.parametrize("shared", [False, True])
def test_a_result_that_others_take_too_is_left_alone(shared: bool) -> None:
    model, folded = graph(shared), graph(shared)
    fold_batch_norms(folded)
    kept = any(node.op_type == "BatchNormalization" for node in folded.graph.node)
    assert kept == shared
    photo = {"x": np.random.default_rng(0).normal(size=(1, 1, 2, 2)).astype(np.float32)}
    both = [onnx.reference.ReferenceEvaluator(each).run(None, photo) for each in (model, folded)]
    for expected, result in zip(*both, strict=True):
        np.testing.assert_allclose(result, expected, atol=1e-6)
