"""A loaded model: what it takes, what it gives, and what it says of files that are no model."""

import hashlib
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto
from PIL import Image

import humanseg
from humanseg.errors import HumansegError
from humanseg.inference import Model, catalog
from humanseg.io.images import ImageError, write_image
from tests.inference.conftest import METADATA

RNG = np.random.default_rng(0)


def half_red(height: int, width: int) -> NDArray[np.uint8]:
    """Return a photo whose left half is person."""
    photo = np.full((height, width, 3), (20, 90, 200), np.uint8)
    photo[:, : width // 2] = (240, 60, 30)
    return photo


@pytest.fixture(scope="module")
def model(red: Path) -> Model:
    return humanseg.load(red, threads=1)


@pytest.mark.parametrize("size", [(1, 1), (20, 30), (32, 32), (33, 47), (300, 10), (2, 999)])
def test_the_mask_has_the_photos_size(model: Model, size: tuple[int, int]) -> None:
    photo = half_red(*size)
    mask, probability = model(photo), model.probability(photo)
    assert (mask.dtype, mask.shape) == (np.uint8, size)
    assert (probability.dtype, probability.shape) == (np.float32, size)
    assert probability.min() >= 0 and probability.max() <= 1
    np.testing.assert_array_equal(mask, probability > 0.5)
    if min(size) >= 20:
        np.testing.assert_array_equal(mask, photo[..., 0] > 127)


def test_a_photo_no_larger_than_the_long_side_reaches_the_net_as_it_is(model: Model) -> None:
    photo = RNG.integers(0, 256, (32, 21, 3), np.uint8)
    np.testing.assert_array_equal(model.probability(photo), photo[..., 0] / np.float32(255))
    np.testing.assert_array_equal(model(photo, threshold=0.25), photo[..., 0] > 63)


@pytest.mark.parametrize(("side", "scaled"), [(3, 2), (5, 3), (6, 3), (1, 1)])
def test_a_half_of_a_pixel_is_rounded_up_as_in_training(
    model: Model, side: int, scaled: int
) -> None:
    assert model.reduce(np.zeros((64, side, 3), np.uint8)).shape == (32, scaled, 3)


def test_a_larger_photo_is_averaged_over_areas(model: Model) -> None:
    # A pattern that any filter but the area's would alias.
    photo = np.zeros((128, 64, 3), np.uint8)
    photo[::2] = 255
    small = model.reduce(photo)
    assert small.shape == (32, 16, 3)
    assert np.abs(small.astype(int) - 127.5).max() <= 1


def test_path_and_image_are_read_as_a_person_sees_them(model: Model, tmp_path: Path) -> None:
    upright = half_red(20, 30)
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = Image.fromarray(np.ascontiguousarray(upright.transpose(1, 0, 2)[::-1]))
    stored.save(tmp_path / "turned.png", exif=exif)
    wanted = model(upright)
    np.testing.assert_array_equal(model(tmp_path / "turned.png"), wanted)
    np.testing.assert_array_equal(model(str(tmp_path / "turned.png")), wanted)
    with Image.open(tmp_path / "turned.png") as image:
        np.testing.assert_array_equal(model(image), wanted)
    grey = Image.new("L", (5, 4), 200)
    np.testing.assert_array_equal(model(grey), np.ones((4, 5)))
    assert grey.mode == "L"


def test_mirroring_averages_both_ways(tmp_path: Path, model: Model) -> None:
    # A net that treats both ways alike gives the same; only its mean is left to see.
    photo = RNG.integers(0, 256, (20, 30, 3), np.uint8)
    np.testing.assert_array_equal(model.probability(photo, tta=True), model.probability(photo))


@pytest.mark.parametrize(
    "photo",
    [
        np.zeros((4, 5), np.uint8),
        np.zeros((4, 5, 4), np.uint8),
        np.zeros((4, 5, 3), np.float32),
        np.zeros((0, 5, 3), np.uint8),
    ],
    ids=lambda photo: f"{photo.dtype}{photo.shape}",
)
def test_an_array_that_is_no_photo_is_a_value_error(model: Model, photo: Any) -> None:
    with pytest.raises(ValueError, match="uint8 and shape"):
        model(photo)


def test_a_file_that_is_no_photo_is_named(model: Model, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no photo")
    with pytest.raises(ImageError, match=r"a\.jpg is not an image"):
        model(tmp_path / "a.jpg")
    with pytest.raises(ImageError, match=r"There is no file .*b\.jpg"):
        model(tmp_path / "b.jpg")
    write_image(tmp_path / "c.jpg", RNG.integers(0, 256, (200, 200, 3), np.uint8))
    cut = (tmp_path / "c.jpg").read_bytes()[:9000]
    (tmp_path / "c.jpg").write_bytes(cut)
    with Image.open(tmp_path / "c.jpg") as image, pytest.raises(ImageError, match=r"c\.jpg is cut"):
        model(image)


def test_threads_may_share_a_model(model: Model) -> None:
    photos = [RNG.integers(0, 256, (40 + 7 * n, 90 - 5 * n, 3), np.uint8) for n in range(8)]
    alone = [model.probability(photo) for photo in photos]
    together = threading.Barrier(4)

    def predict(photo: NDArray[np.uint8]) -> NDArray[np.float32]:
        together.wait(timeout=30)
        return model.probability(photo)

    with ThreadPoolExecutor(4) as pool:
        for first, second in zip(alone, pool.map(predict, photos), strict=True):
            np.testing.assert_array_equal(first, second)


def test_what_the_file_says_of_itself_is_known(model: Model) -> None:
    assert (model.name, model.threshold, model.long_side) == ("red", 0.5, 32)
    assert repr(model) == "Model('red', threshold=0.5, long_side=32)"


def manifest(file: Path, **changes: Any) -> dict[str, Any]:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return {**METADATA, "files": {file.name: {"sha256": digest, "new": 1}}, "new": 2, **changes}


def beside(file: Path, content: Any) -> Path:
    """Write the manifest of a file."""
    text = content if isinstance(content, str) else json.dumps(content)
    (file.parent / "manifest.json").write_text(text, encoding="utf-8")
    return file


def test_a_folder_is_its_model_and_unknown_keys_are_passed_over(write_red: Any) -> None:
    file = write_red(metadata={**METADATA, "new": True})
    beside(file, manifest(file))
    assert humanseg.load(file.parent).name == "red"
    assert humanseg.load(str(file)).name == "red"


def test_a_manifest_speaks_for_a_file_that_says_nothing(write_red: Any) -> None:
    file = write_red(metadata=None)
    beside(file, manifest(file, name="said"))
    assert humanseg.load(file).name == "said"


def test_a_manifest_of_other_files_is_passed_over(write_red: Any) -> None:
    file = write_red()
    for other in ({"short_name": "a web app"}, manifest(file, files={"x": {}}, format=2)):
        assert humanseg.load(beside(file, other)).name == "red"


@pytest.mark.parametrize("text", ["{", "[]", '{"files": []}', '{"files": {"model.onnx": {}}}'])
def test_a_broken_manifest_is_named(write_red: Any, text: str) -> None:
    with pytest.raises(HumansegError, match=r"manifest\.json is not a manifest, or is broken"):
        humanseg.load(beside(write_red(), text))


def test_a_file_that_is_not_the_manifests_is_refused(write_red: Any) -> None:
    file = write_red()
    beside(file, manifest(file))
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(HumansegError, match=r"is not the file that manifest\.json .* sha256"):
        humanseg.load(file)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metadata": None}, "does not say its threshold"),
        ({"metadata": "{"}, "says of itself is broken"),
        ({"metadata": "[1]"}, "says of itself is broken"),
        ({"metadata": {**METADATA, "format": 2}}, "format 2, and this humanseg knows format 1"),
        ({"metadata": {**METADATA, "threshold": 2}}, "threshold=2"),
        ({"metadata": {**METADATA, "long_side": 0}}, "long_side=0"),
        ({"metadata": {**METADATA, "name": None}}, "name=None"),
        ({"names": ("image", "probability")}, "not one that humanseg export wrote. It takes image"),
        ({"names": ("photo", "logits")}, "gives logits"),
        ({"kind": TensorProto.FLOAT}, r"photo tensor\(float\)"),
        ({"shape": ("batch", 3, 320, 240)}, r"\(batch, 3, 320, 240\)"),
        ({"shape": ("batch", 4, "height", "width")}, r"\(batch, 4, height, width\)"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_model_of_another_kind_is_refused(
    write_red: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(HumansegError, match=message) as caught:
        humanseg.load(write_red(**options))
    assert str(caught.value).count("\n") == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content[: len(content) // 2], "is not an ONNX file, or is cut off"),
        (lambda content: b"", "is not an ONNX file"),
        (lambda content: b"a letter to my mother", "is not an ONNX file"),
    ],
    ids=["half", "empty", "text"],
)
def test_a_broken_file_is_named(
    red: Path, tmp_path: Path, change: Callable[[bytes], bytes], message: str
) -> None:
    (tmp_path / "a.onnx").write_bytes(change(red.read_bytes()))
    with pytest.raises(HumansegError, match=message):
        humanseg.load(tmp_path / "a.onnx")


def test_a_file_of_the_future_asks_for_a_newer_onnxruntime(write_red: Any) -> None:
    import onnx

    file = write_red()
    proto = onnx.load(file)
    proto.opset_import[0].version = 99
    onnx.save(proto, file)
    with pytest.raises(HumansegError, match=r"cannot open .*99.*pip install -U onnxruntime"):
        humanseg.load(file)


def test_missing_models_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HumansegError, match="There is no model nowhere"):
        humanseg.load("nowhere")
    with pytest.raises(HumansegError, match=r"holds no model\.onnx"):
        humanseg.load(tmp_path)
    monkeypatch.setattr(catalog, "BUNDLED", tmp_path)
    with pytest.raises(HumansegError, match="brings no model of its own"):
        humanseg.load()


@pytest.mark.parametrize("name", ["model.fp16.onnx", "model.int8.onnx", "model.int4.onnx"])
def test_a_folder_is_spoken_for_by_the_file_that_it_holds(
    write_red: Any, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    write_red().rename(folder / name)
    assert isinstance(humanseg.load(folder), Model)


def test_the_model_that_ships_is_whole_and_small() -> None:
    model = humanseg.load("tiny")
    photo = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    assert model(photo).shape == (48, 64)
    assert sum(file.stat().st_size for file in (catalog.BUNDLED / "tiny").iterdir()) < 2_000_000


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"path": "https://example.com/model.onnx"}, HumansegError, "address.*download"),
        ({"path": b"model"}, TypeError, "not by an object of type bytes"),
        ({"path": ""}, HumansegError, "path of the model is empty"),
        ({"threads": "4"}, ValueError, "threads='4'"),
        ({"threads": -1}, ValueError, "threads=-1"),
    ],
    ids=str,
)
def test_what_names_no_model_is_one_sentence(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        humanseg.load(**options)


@pytest.mark.parametrize("threshold", [2, -0.1, float("nan"), "0.5"])
def test_a_threshold_that_would_make_any_mask_empty_is_refused(
    model: Model, threshold: Any
) -> None:
    with pytest.raises(ValueError, match="threshold=.*from 0 to 1"):
        model(half_red(4, 5), threshold=threshold)
