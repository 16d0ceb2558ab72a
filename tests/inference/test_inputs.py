"""What a program may pass for a photo, and what it is told otherwise."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from humanseg.inference.inputs import load_input
from humanseg.io.images import ImageError

PHOTO = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    Image.fromarray(PHOTO).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_a_file_is_taken_by_name_by_its_bytes_and_open(file: Path) -> None:
    content = file.read_bytes()
    with file.open("rb") as opened, Image.open(file) as image:
        opened.read(7)  # where it stands does not matter
        for photo in (
            *(file, str(file), content, bytearray(content), memoryview(content)),
            *(io.BytesIO(content), opened, image, PHOTO),
        ):
            np.testing.assert_array_equal(load_input(photo).rgb, PHOTO)


def test_a_stream_that_cannot_go_back_is_read_to_its_end(file: Path) -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.file = io.BytesIO(file.read_bytes())

        def read(self, size: int = -1) -> bytes:
            return self.file.read(size)

    np.testing.assert_array_equal(load_input(Pipe()).rgb, PHOTO)


class Tensor:
    """As of torch: numpy can read it, unless it is part of a training."""

    def __init__(self, array: NDArray[Any], trained: bool = False) -> None:
        self.array, self.trained = array, trained

    def __array__(self, *_: Any, **__: Any) -> NDArray[Any]:
        if self.trained:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.\nMore of it.")
        return self.array


def test_a_tensor_of_the_right_kind_is_an_array() -> None:
    np.testing.assert_array_equal(load_input(Tensor(PHOTO)).rgb, PHOTO)
    with pytest.raises(ValueError, match="whole numbers .* and put the colours last"):
        load_input(Tensor(np.zeros((3, 20, 30), np.float32)))
    with pytest.raises(TypeError, match="A Tensor cannot be read from here .*numpy"):
        load_input(Tensor(PHOTO, trained=True))


def closed(file: Path) -> Image.Image:
    image = Image.open(file)
    image.close()
    return image


@pytest.mark.parametrize(
    ("photo", "error", "message"),
    [
        ("https://example.com/a.jpg", ImageError, "address, .*download it first"),
        ("s3://bucket/a.jpg", ImageError, "address"),
        ("file:///pictures/a.jpg", ImageError, "address"),
        ("data:image/png;base64," + "A" * 9000, ImageError, "address"),
        ("", ImageError, "is empty"),
        (Path("https://example.com/a.jpg"), ImageError, "address"),
        (b"", ImageError, "is empty"),
        (b"a letter", ImageError, "in these bytes is not an image"),
        (io.BytesIO(b"a letter"), ImageError, "open file is not an image"),
        (io.StringIO("text"), TypeError, "mode 'rb'"),
        (None, TypeError, "not None"),
        (["a.jpg", "b.jpg"], TypeError, "for each of them"),
        (7, TypeError, "not of type int"),
        (np.zeros((4, 5), np.uint8), ValueError, "repeat the grey one"),
        (np.zeros((4, 5, 4), np.uint8), ValueError, "Image.fromarray"),
        (np.zeros((4, 5, 3), np.float32), ValueError, r"array \* 255"),
        (np.zeros((4, 5, 3), np.int64), ValueError, "0 to 255, array.astype"),
        (np.zeros((4, 5, 3), np.uint16), ValueError, "array // 257"),
        (np.zeros((3, 4, 5), np.uint8), ValueError, "colours last"),
        (np.zeros((2, 4, 5, 3), np.uint8), ValueError, "for each photo"),
    ],
    ids=lambda value: getattr(value, "__name__", str(type(value).__name__)),
)
def test_anything_else_is_one_sentence(photo: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        load_input(photo)
    assert "\n" not in str(caught.value)


def test_a_file_that_was_opened_as_text_is_said_to_be(file: Path) -> None:
    with file.open(encoding="utf-8") as opened, pytest.raises(TypeError, match="mode 'rb'"):
        load_input(opened)


def test_an_empty_file_is_called_by_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "IMG_1.JPG").touch()
    with (
        (tmp_path / "IMG_1.JPG").open("rb") as opened,
        pytest.raises(ImageError, match="The open file .*IMG_1.JPG is empty"),
    ):
        load_input(opened)


def test_what_is_closed_is_said_to_be_closed(file: Path) -> None:
    for image in (closed(file), file.open("rb")):
        image.close()
        with pytest.raises(ValueError, match="is closed: pass it while it is open"):
            load_input(image)
