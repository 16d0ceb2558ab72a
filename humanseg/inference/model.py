"""The exported model as an object: called with a photo, it returns the mask."""

import re
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

from humanseg.errors import HumansegError
from humanseg.images import ImageError, photo_pixels, read_photo
from humanseg.inference.edges import refine
from humanseg.inference.model_file import ModelFacts, find_model, read_facts, read_manifest
from humanseg.sizes import working_size

Photo: TypeAlias = "NDArray[np.uint8] | str | PathLike[str] | Image.Image"
"""uint8 (H,W,3) RGB; or the path of a file that Pillow reads; or a PIL image of any mode."""

_INPUT, _OUTPUT = "photo", "probability"
_FATAL = 4


class Model:
    """Finds the people in photos. Made by `humanseg.load`.

    It may be called from several threads at once.

    Attributes
    ----------
    name
        Such as "unet-efficientnet_lite0".
    threshold
        In (0,1): a pixel with a greater probability belongs to the person.
    long_side
        Photos whose longer side is greater are scaled down to it for the net; the edge of the mask
        is then refined on the photo itself.
    """

    def __init__(self, session: onnxruntime.InferenceSession, facts: ModelFacts) -> None:
        self._session = session
        self.name = facts.name
        self.threshold = facts.threshold
        self.long_side = facts.long_side

    def __repr__(self) -> str:
        """Name the model, for a person at a prompt."""
        return f"Model({self.name!r}, threshold={self.threshold}, long_side={self.long_side})"

    def __call__(
        self, photo: Photo, *, threshold: float | None = None, tta: bool = False
    ) -> NDArray[np.uint8]:
        """Cut the people out of a photo.

        Parameters
        ----------
        photo
            An array uint8 (H,W,3) in RGB, a path, or a PIL image.
        threshold
            Other than the model's own.
        tta
            Average over the mirrored photo, which takes twice as long.

        Returns
        -------
        ndarray
            uint8 (H,W) in {0,1}, at the photo's size as a person sees it: 1 is person.

        Raises
        ------
        ImageError
            The file or image cannot be read, or is too large for the memory.
        ValueError
            An array of another shape or dtype.
        """
        limit = self.threshold if threshold is None else threshold
        return (self.probability(photo, tta=tta) > limit).astype(np.uint8)

    def probability(self, photo: Photo, *, tta: bool = False) -> NDArray[np.float32]:
        """Say of each pixel how sure the model is that it belongs to a person.

        Parameters
        ----------
        photo, tta
            As of a call.

        Returns
        -------
        ndarray
            float32 (H,W) in [0,1], at the photo's size.

        Raises
        ------
        ImageError, ValueError
            As of a call.
        """
        pixels = _pixels(photo)
        small = self.reduce(pixels)
        return refine(self.run(small, tta=tta), small, pixels)

    def reduce(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Scale a photo down to the size the net works at.

        Parameters
        ----------
        pixels
            uint8 (H,W,3).

        Returns
        -------
        ndarray
            uint8 (h,w,3), with the longer side at most `long_side`; `pixels` itself where it is
            no larger.
        """
        height, width = pixels.shape[:2]
        if self.long_side >= max(height, width):
            return pixels
        height, width = working_size(height, width, self.long_side)
        small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
        return small.astype(np.uint8, copy=False)

    def run(self, pixels: NDArray[np.uint8], *, tta: bool = False) -> NDArray[np.float32]:
        """Run the net on a photo as it is, however large.

        Parameters
        ----------
        pixels
            uint8 (H,W,3), RGB.
        tta
            Average over the mirrored photo.

        Returns
        -------
        ndarray
            float32 (H,W) in [0,1].

        Raises
        ------
        ImageError
            The net cannot be run on it, mostly for want of memory.
        """
        batch = np.ascontiguousarray(pixels.transpose(2, 0, 1))[None]
        try:
            (result,) = self._session.run([_OUTPUT], {_INPUT: batch})
            if tta:
                # One after the other: half the memory of both at once.
                mirrored = np.ascontiguousarray(batch[..., ::-1])
                (other,) = self._session.run([_OUTPUT], {_INPUT: mirrored})
                result = (result + other[..., ::-1]) / 2
        except Exception as error:
            height, width = pixels.shape[:2]
            raise ImageError(
                f"The model {self.name} cannot be run on a photo of {width}×{height} "
                f"({_first_line(error)}): take a smaller photo, or a machine with more memory."
            ) from error
        probability: NDArray[np.float32] = result[0, 0]
        return probability


def load_model(path: str | PathLike[str] | None = None, threads: int | None = None) -> Model:
    """Load a model; `humanseg.load` says how."""
    file = find_model(None if path is None else Path(path))
    manifest = read_manifest(file)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = _FATAL
    try:
        session = onnxruntime.InferenceSession(
            file, sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise HumansegError(_explain(file, error)) from error
    _require_signature(session, file)
    metadata = session.get_modelmeta().custom_metadata_map
    return Model(session, read_facts(file, metadata, manifest))


def _explain(file: Path, error: Exception) -> str:
    said = str(error)
    if any(sign in said for sign in ("INVALID_PROTOBUF", "No graph was found")):
        return (
            f"{file} is not an ONNX file, or is cut off or broken: name a file that humanseg "
            "export wrote, or copy it again from its source."
        )
    return (
        f"onnxruntime {onnxruntime.__version__} cannot open {file} ({_first_line(error)}). If a "
        "newer one wrote it: pip install -U onnxruntime. If not, export it again."
    )


def _first_line(error: Exception) -> str:
    """Return what onnxruntime says, without the places in its source."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return re.sub(r"/\S+\.(cc|h):\d+ .*?\) (?=[A-Z])", " ", line)[:300]


def _require_signature(session: onnxruntime.InferenceSession, file: Path) -> None:
    inputs, outputs = session.get_inputs(), session.get_outputs()
    photo = [each for each in inputs if each.name == _INPUT]
    probability = [each for each in outputs if each.name == _OUTPUT]
    fits = (
        len(inputs) == len(photo) == len(probability) == 1
        and photo[0].type == "tensor(uint8)"
        and probability[0].type == "tensor(float)"
        and _is_free(photo[0].shape, 3)
        and _is_free(probability[0].shape, 1)
    )
    if not fits:
        raise HumansegError(
            f"{file} is an ONNX model, but not one that humanseg export wrote. It takes "
            f"{_signature(inputs)} and gives {_signature(outputs)}; needed are {_INPUT} "
            f"tensor(uint8) (batch, 3, height, width) and {_OUTPUT} tensor(float) (batch, 1, "
            "height, width), of any size."
        )


def _is_free(shape: list[Any], channels: int) -> bool:
    """Say whether a shape is (N, channels, H, W) of any N, H and W."""
    return (
        len(shape) == 4
        and [type(side) is int for side in shape]
        == [
            False,
            True,
            False,
            False,
        ]
        and shape[1] == channels
    )


def _signature(values: list[Any]) -> str:
    return ", ".join(
        f"{each.name} {each.type} ({', '.join(map(str, each.shape))})" for each in values
    )


def _pixels(photo: Photo) -> NDArray[np.uint8]:
    if isinstance(photo, np.ndarray):
        if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or not photo.size:
            raise ValueError(
                f"a photo has dtype uint8 and shape (H, W, 3), not {photo.dtype} {photo.shape}"
            )
        return photo
    if isinstance(photo, Image.Image):
        return photo_pixels(photo)
    return read_photo(Path(photo))
