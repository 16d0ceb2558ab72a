"""The exported model as an object: called with a photo, it returns the mask."""

from collections.abc import Callable, Iterable, Iterator
from numbers import Real
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from humanseg.errors import HumansegError
from humanseg.inference.backgrounds import Background, read_background
from humanseg.inference.batch.outputs import Matte, render_background, render_cutout
from humanseg.inference.guided_filter import refine
from humanseg.inference.inputs import Photo, load_input
from humanseg.inference.matting import apply_visibility
from humanseg.inference.model_file import ModelInfo
from humanseg.inference.session import Session, runtime_reason
from humanseg.io.images import ImageError, LoadedPhoto
from humanseg.io.resizing import working_size
from humanseg.system.threads import map_in_order, usable_threads

INPUT, OUTPUT = "photo", "probability"
"""The names of a model's input and output."""


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
            Whether to average with the mirrored photo, which takes twice as long.

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
            Anything else than a photo; the message says how to convert it.
        """
        limit = self._limit(threshold)
        return (self.probability(photo, tta=tta) > limit).astype(np.uint8)

    def _limit(self, threshold: float | None) -> float:
        limit = self.threshold if threshold is None else threshold
        if not isinstance(limit, Real) or not 0 <= limit <= 1:
            raise ValueError(f"threshold={limit!r}: a number from 0 to 1 is needed.")
        return float(limit)

    def probability(self, photo: Photo, *, tta: bool = False) -> NDArray[np.float32]:
        """Return the probability of each pixel to belong to a person.

        Parameters
        ----------
        photo, tta
            As in a call.

        Returns
        -------
        ndarray
            float32 (H,W) in [0,1], at the photo's upright size. The model sees a photo with
            transparency over white; the probability is multiplied by the photo's opacity.

        Raises
        ------
        ImageError, ValueError, TypeError
            As in a call.
        """
        loaded = load_input(photo)
        return apply_visibility(self._probability_of(loaded, tta), loaded.alpha)

    def cutout(
        self, photo: Photo, *, threshold: float | None = None, tta: bool = False
    ) -> NDArray[np.uint8]:
        """Cut the people out of a photo.

        Parameters
        ----------
        photo, tta
            As in a call.
        threshold
            In (0,1); None: the model's own.

        Returns
        -------
        ndarray
            uint8 (H,W,4), RGBA, at the photo's upright size: soft in hair and edges, where the
            background's colour is removed from the person's (M. Forte, Approximate Fast
            Foreground Colour Estimation, IEEE ICIP 2021). What is not person is 0 in all four.

        Raises
        ------
        ImageError, ValueError, TypeError
            As in a call.
        """
        return render_cutout(self._matte(load_input(photo), threshold, tta))

    def composite(
        self,
        photo: Photo,
        background: "Photo | tuple[int, int, int]",
        *,
        threshold: float | None = None,
        tta: bool = False,
    ) -> NDArray[np.uint8]:
        """Composite the people of a photo over another background.

        Parameters
        ----------
        photo, tta
            As in a call.
        background
            A picture, given like a photo, scaled to cover it. A colour: a name or code of CSS, or
            (red, green, blue) in [0,255]. ``"blur:15"``: the photo's own background, blurred by 15
            thousandths of its longer side.
        threshold
            In (0,1); None: the model's own.

        Returns
        -------
        ndarray
            uint8 (H,W,3), RGB, at the photo's upright size.

        Raises
        ------
        ImageError, ValueError, TypeError, BackgroundError
            As in a call; and where the background is none of these.
        """
        behind = read_background(background)
        return render_background(self._matte(load_input(photo), threshold, tta, behind))

    def batch(
        self,
        photos: Iterable[Photo],
        make: "Callable[[Photo], NDArray[Any]] | None" = None,
        *,
        workers: int | None = None,
    ) -> Iterator[NDArray[Any]]:
        """Yield what `make` returns for each of many photos, in their order.

        Memory does not grow with their number. They may differ in size and kind. An error, as in a
        call, is raised in its turn; `humanseg.predict` continues with the others.

        Parameters
        ----------
        photos
            Any iterable, such as a generator.
        make
            The function that is applied to each, such as ``model.cutout`` or
            ``lambda photo: model.composite(photo, "white")``. None: the mask, as in a call.
        workers
            How many photos to process at once; None: one for each core, four at most.
        """
        count = min(4, usable_threads(None)) if workers is None else workers
        return map_in_order(self if make is None else make, photos, count, count + 1)

    def _probability_of(self, loaded: LoadedPhoto, tta: bool) -> NDArray[np.float32]:
        # Over white, also where the photo shows nothing.
        pixels = loaded.over_white()
        small = self.reduce(pixels)
        return refine(self.run(small, tta=tta), small, pixels)

    def _matte(
        self,
        loaded: LoadedPhoto,
        threshold: float | None,
        tta: bool,
        background: Background | None = None,
    ) -> Matte:
        limit = self._limit(threshold)
        if not 0 < limit < 1:
            raise ValueError(f"threshold={limit!r}: a number between 0 and 1 is needed.")
        probability = self._probability_of(loaded, tta)
        return Matte(loaded.rgb, probability, limit, background, loaded.alpha)

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
            (result,) = self._session.run([OUTPUT], {INPUT: batch})
            if tta:
                # One after the other: half the memory of both at once.
                mirrored = np.ascontiguousarray(batch[..., ::-1])
                (other,) = self._session.run([OUTPUT], {INPUT: mirrored})
                result = (result + other[..., ::-1]) / 2
        except HumansegError:
            # In a forked process: not the photo's fault.
            raise
        except Exception as error:
            height, width = pixels.shape[:2]
            raise ImageError(
                f"The model {self.name} cannot be run on a photo of {width}×{height} "
                f"({runtime_reason(error)}): take a smaller photo, or a machine with more memory.",
                code="inference.memory",
            ) from error
        probability: NDArray[np.float32] = result[0, 0]
        return probability
