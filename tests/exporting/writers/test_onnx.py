import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray

from humanseg.data.cache.photos import scaled_size
from humanseg.exporting.runners import open_file, open_model, run_network
from humanseg.exporting.source import ExportSource
from humanseg.exporting.writers.fp16 import halve_weights
from humanseg.exporting.writers.write import save_pt2
from humanseg.io.resizing import working_size
from humanseg.models import LightUNet, PlainBackbone, Segmenter, TimmBackbone, build_segmenter
from humanseg.models.onnx.convert import OPSET, convert, save
from humanseg.models.onnx.network import PhotoToMask, trace

Noise = Callable[..., NDArray[np.uint8]]
SIZES = [(1, 1, 1), (3, 33, 47), (1, 64, 64), (2, 80, 60), (1, 161, 119)]


def shape(value: onnx.ValueInfoProto) -> list[str | int]:
    return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]


def test_the_signature_is_what_every_user_relies_on(model: onnx.ModelProto) -> None:
    (photo,) = model.graph.input
    probability, mask = model.graph.output
    assert (photo.name, probability.name, mask.name) == ("photo", "probability", "mask")
    assert shape(photo) == ["batch", 3, "height", "width"]
    assert shape(probability) == shape(mask) == ["batch", 1, "height", "width"]
    kinds = [value.type.tensor_type.elem_type for value in (photo, probability, mask)]
    assert kinds == [onnx.TensorProto.UINT8, onnx.TensorProto.FLOAT, onnx.TensorProto.UINT8]


def test_a_file_says_what_it_needs_to_be_used_alone(model: onnx.ModelProto) -> None:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    said = json.loads(session.get_modelmeta().custom_metadata_map["humanseg"])
    assert said == {"format": 1, "name": "unet-plain", "threshold": 0.5, "long_side": 64}


def test_it_is_one_file_of_standard_operators_without_batch_norms(
    model: onnx.ModelProto, tmp_path: Path
) -> None:
    save(model, tmp_path / "model.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    written = onnx.load(tmp_path / "model.onnx", load_external_data=False)
    assert [(each.domain, each.version) for each in written.opset_import] == [("", OPSET)]
    assert "BatchNormalization" not in {node.op_type for node in written.graph.node}
    assert not written.functions
    assert not any(node.metadata_props or node.doc_string for node in written.graph.node)


def test_other_operators_are_not_written(model: onnx.ModelProto, tmp_path: Path) -> None:
    foreign = onnx.ModelProto()
    foreign.CopyFrom(model)
    foreign.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    next(each for each in foreign.graph.node if each.op_type == "Relu").domain = "com.microsoft"
    with pytest.raises(ValueError, match="Relu"):
        save(foreign, tmp_path / "model.onnx")


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_size_gives_what_the_checkpoint_gives(
    source: ExportSource, model: onnx.ModelProto, noise: Noise, size: tuple[int, int, int]
) -> None:
    count, height, width = size
    photos = noise(height, width, count)
    probability, mask = open_model(model)(photos)
    expected, expected_mask = run_network(source.network)(photos)
    np.testing.assert_allclose(probability, expected, atol=1e-5)
    assert np.array_equal(mask, expected_mask)
    assert (probability.dtype, mask.dtype) == (np.float32, np.uint8)


@pytest.fixture(scope="module", params=[[48], [48, 32]], ids=str)
def scaling(request: pytest.FixtureRequest) -> tuple[PhotoToMask, Any]:
    """A net that works at a longer side of 48, alone or beside another, and its trace.

    Beside another it is given the mirrored photo.
    """
    torch.manual_seed(0)
    sizes = request.param
    mirrored = [True, False] if len(sizes) == 2 else [False]
    segmenter = build_segmenter(LightUNet, PlainBackbone(widths=(4, 8)), sizes, mirrored)
    net = PhotoToMask(segmenter, 0.5)
    return net, trace(net)


@pytest.fixture(scope="module")
def scaling_model(scaling: tuple[PhotoToMask, Any]) -> onnx.ModelProto:
    """The same as an ONNX model: read only."""
    return convert(scaling[1], {})


@pytest.mark.parametrize("size", [*SIZES, (1, 48, 36), (1, 7, 300)], ids=str)
def test_scaling_to_the_working_size_is_in_the_file(
    scaling: tuple[PhotoToMask, Any],
    scaling_model: onnx.ModelProto,
    noise: Noise,
    size: tuple[int, int, int],
) -> None:
    count, height, width = size
    photos = noise(height, width, count)
    probability, _ = open_model(scaling_model)(photos)
    np.testing.assert_allclose(probability, run_network(scaling[0])(photos)[0], atol=1e-4)


def test_the_working_size_in_the_file_is_that_of_the_cache_and_of_inference(
    scaling_model: onnx.ModelProto,
) -> None:
    model = onnx.ModelProto()
    model.CopyFrom(scaling_model)
    resize = next(node for node in model.graph.node if node.op_type == "Resize")
    model.graph.output.append(onnx.ValueInfoProto(name=resize.output[0]))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    # Of a longer side of 64, every second shorter side is scaled to a half.
    for height, width in [
        *((64, side) for side in range(1, 64)),
        (5, 64),
        (97, 31),
        (7, 3),
        (1, 1),
    ]:
        photo = np.zeros((1, 3, height, width), np.uint8)
        scaled = session.run([resize.output[0]], {"photo": photo})[0].shape[2:]
        assert scaled == working_size(height, width, 48) == scaled_size((height, width), 48)


def test_onnxruntime_enlarges_logits_without_filling_up_channels(
    noise: Noise, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    # Its finest map has half the photo's size.
    backbone = TimmBackbone("mobilenetv2_100", stages=2)
    net = PhotoToMask(build_segmenter(LightUNet, backbone), 0.5)
    model = convert(trace(net), {})
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    onnxruntime.InferenceSession(model.SerializeToString(), options)
    optimized = onnx.load(tmp_path / "optimized.onnx").graph.node
    enlargements = [
        node.domain
        for node in optimized
        for entry in node.attribute
        if (entry.name, entry.s) == ("mode", b"linear")
    ]
    assert enlargements == [""]
    photos = noise(33, 47, 1)
    np.testing.assert_allclose(open_model(model)(photos)[0], run_network(net)(photos)[0], atol=1e-5)


def test_sizes_share_their_weights(
    scaling: tuple[PhotoToMask, Any], scaling_model: onnx.ModelProto, tmp_path: Path
) -> None:
    network, _ = scaling
    assert isinstance(network.segmenter, Segmenter)
    model = onnx.ModelProto()
    model.CopyFrom(scaling_model)
    save(model, tmp_path / "model.onnx")
    assert "BatchNormalization" not in {node.op_type for node in model.graph.node}
    weights = [node.input[1] for node in model.graph.node if node.op_type == "Conv"]
    assert len(weights) == len(network.segmenter.eval_sizes) * len(set(weights))


def test_a_pt2_file_takes_every_size(
    scaling: tuple[PhotoToMask, Any], noise: Noise, tmp_path: Path
) -> None:
    network, program = scaling
    save_pt2(program, tmp_path / "model.pt2")
    run = open_file(tmp_path / "model.pt2")
    for count, height, width in SIZES:
        photos = noise(height, width, count)
        np.testing.assert_allclose(run(photos)[0], run_network(network)(photos)[0], atol=1e-6)


@pytest.mark.parametrize("name", ["PyTorchFileWriter", "PyTorchFileReader"])
def test_the_name_of_a_folder_on_windows_need_not_be_ascii(
    name: str, noise: Noise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Halves(torch.nn.Module):
        def forward(self, photo: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return photo / 255, photo > 127

    photos = noise(33, 47, 1)
    path = tmp_path / "Zoë" / "model.pt2"
    path.parent.mkdir()
    in_torch = getattr(torch._C, name)

    def as_on_windows(file: Any, *options: Any) -> Any:
        if isinstance(file, str) and not file.isascii():
            raise RuntimeError("Parent directory does not exist.")
        return in_torch(file, *options)

    monkeypatch.setattr(torch._C, name, as_on_windows)
    save_pt2(torch.export.export(Halves(), (torch.from_numpy(photos),)), path)
    assert np.array_equal(open_file(path)(photos)[1], photos > 127)


def test_the_threshold_is_the_networks(source: ExportSource, noise: Noise) -> None:
    photos = noise(40, 40)
    probability, _ = run_network(source.network)(photos)
    threshold = float(np.quantile(probability, 0.9))
    network = PhotoToMask(source.network.segmenter, threshold)
    _, mask = open_model(convert(trace(network), {}))(photos)
    assert np.array_equal(mask, probability > np.float32(threshold)) and 0 < mask.mean() < 0.5


def test_halved_weights_take_half_the_room(noise: Noise, model: onnx.ModelProto) -> None:
    halved = halve_weights(model)
    photos = noise(64, 48)
    np.testing.assert_allclose(
        open_model(halved)(photos)[0], open_model(model)(photos)[0], atol=5e-3
    )
    onnx.checker.check_model(halved, full_check=True)

    def weights(each: onnx.ModelProto) -> int:
        return sum(
            len(constant.raw_data) for constant in each.graph.initializer if len(constant.dims) == 4
        )

    assert weights(halved) < 0.6 * weights(model)
