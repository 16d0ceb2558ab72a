"""The exported model as an object: called with a photo, it returns the mask."""

from collections.abc import Sequence
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from humanseg.errors import HumansegError
from humanseg.inference.guided_filter import refine
from humanseg.inference.inputs import Photo, load_input
from humanseg.inference.matting import apply_visibility
from humanseg.inference.model_file import (
    ModelError,
    ModelInfo,
    read_manifest,
    read_model_info,
)
from humanseg.inference.named_model import find_model
from humanseg.inference.providers import Provider, resolve_providers
from humanseg.inference.session import Session, first_line
from humanseg.io.images import ImageError
from humanseg.io.resizing import working_size

_INPUT, _OUTPUT = "photo", "probability"


class Model:
    """Segments the people in photos. Made by `humanseg.load`.

    It may be called from several threads, pickled, copied, and used in a process that was forked
    after it was loaded. A process that unpickles it opens the same file.

    Attributes
    ----------
    name
        Such as "unet-efficientnet_lite0".
    threshold
        In (0,1): a pixel with a greater probability belongs to a person.
    long_side
        Photos whose longer side is greater are scaled down to it for the net; the edge of the mask
        is then refined on the photo itself.
    """

    def __init__(self, session: Session, facts: ModelInfo) -> None:
        self._session = session
        self.name = facts.name
        self.threshold = facts.threshold
        self.long_side = facts.long_side

    def __repr__(self) -> str:
        """Return the name and settings of the model."""
        return f"Model({self.name!r}, threshold={self.threshold}, long_side={self.long_side})"

    def __call__(
        self, photo: Photo, *, threshold: float | None = None, tta: bool = False
    ) -> NDArray[np.uint8]:
        """Segment the people in a photo.

        Parameters
        ----------
        photo
            An array uint8 (H,W,3) in RGB, a path, the bytes of an image file, a file that is open
            for reading bytes, or a PIL image.
        threshold
            In [0,1]; None: the model's own.
        tta
            Average over the mirrored photo, which takes twice as long.

        Returns
        -------
        ndarray
            uint8 (H,W) in {0,1}, at the photo's upright size: 1 is person.

        Raises
        ------
        ImageError
            The file or image cannot be read, or is too large for the memory.
        ValueError
            An array of another shape or dtype; a threshold that is not between 0 and 1.
        TypeError
            Anything else than a photo; the message says how to make one of it.
        """
        limit = self.threshold if threshold is None else threshold
        if not isinstance(limit, Real) or not 0 <= limit <= 1:
            raise ValueError(f"threshold={limit!r}: a number from 0 to 1 is needed.")
        return (self.probability(photo, tta=tta) > limit).astype(np.uint8)

    def probability(self, photo: Photo, *, tta: bool = False) -> NDArray[np.float32]:
        """Return the probability of each pixel to belong to a person.

        Parameters
        ----------
        photo, tta
            As of a call.

        Returns
        -------
        ndarray
            float32 (H,W) in [0,1], at the photo's upright size. The model sees a photo with
            transparency over white; the probability is multiplied by the photo's opacity.

        Raises
        ------
        ImageError, ValueError, TypeError
            As of a call.
        """
        loaded = load_input(photo)
        pixels = loaded.over_white()
        small = self.reduce(pixels)
        return apply_visibility(refine(self.run(small, tta=tta), small, pixels), loaded.alpha)

    def reduce(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Scale a photo down to the size that the net works at.

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
        """Run the net on a photo at its own size.

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
            The net cannot be run on it, mostly for lack of memory.
        HumansegError
            In a forked process: the model's file is missing, or has changed.
        """
        batch = np.ascontiguousarray(pixels.transpose(2, 0, 1))[None]
        try:
            (result,) = self._session.run([_OUTPUT], {_INPUT: batch})
            if tta:
                # One after the other: half the memory of both at once.
                mirrored = np.ascontiguousarray(batch[..., ::-1])
                (other,) = self._session.run([_OUTPUT], {_INPUT: mirrored})
                result = (result + other[..., ::-1]) / 2
        except HumansegError:
            # In a forked process: not the photo's fault.
            raise
        except Exception as error:
            height, width = pixels.shape[:2]
            raise ImageError(
                f"The model {self.name} cannot be run on a photo of {width}×{height} "
                f"({first_line(error)}): take a smaller photo, or a machine with more memory.",
                code="inference.memory",
            ) from error
        probability: NDArray[np.float32] = result[0, 0]
        return probability


def load_model(
    path: str | PathLike[str] | None = None,
    threads: int | None = None,
    providers: Provider | Sequence[Provider] | None = None,
) -> Model:
    """Load a model as `humanseg.load` does."""
    if threads is not None and (not isinstance(threads, Integral) or threads < 0):
        raise ValueError(f"threads={threads!r}: a number of processor cores, or None for all.")
    file = find_model(path)
    manifest = read_manifest(file)
    session = Session(file, int(threads or 0), resolve_providers(providers))
    _require_signature(session.native, file)
    metadata = session.native.get_modelmeta().custom_metadata_map
    return Model(session, read_model_info(file, metadata, manifest))


def _require_signature(session: onnxruntime.InferenceSession, file: Path) -> None:
    inputs, outputs = session.get_inputs(), session.get_outputs()
    photo = [value for value in inputs if value.name == _INPUT]
    probability = [value for value in outputs if value.name == _OUTPUT]
    fits = (
        len(inputs) == len(photo) == len(probability) == 1
        and photo[0].type == "tensor(uint8)"
        and probability[0].type == "tensor(float)"
        and _is_free(photo[0].shape, 3)
        and _is_free(probability[0].shape, 1)
    )
    if not fits:
        raise ModelError(
            f"{file} is an ONNX model, but not one that humanseg export wrote. It takes "
            f"{_signature(inputs)} and gives {_signature(outputs)}; needed are {_INPUT} "
            f"tensor(uint8) (batch, 3, height, width) and {_OUTPUT} tensor(float) (batch, 1, "
            "height, width), of any size."
        )


def _is_free(shape: list[Any], channels: int) -> bool:
    """Return whether a shape is (N, channels, H, W) of any N, H and W."""
    return (
        len(shape) == 4
        and [type(side) is int for side in shape] == [False, True, False, False]
        and shape[1] == channels
    )


def _signature(values: list[Any]) -> str:
    return ", ".join(
        f"{value.name} {value.type} ({', '.join(map(str, value.shape))})" for value in values
    )
