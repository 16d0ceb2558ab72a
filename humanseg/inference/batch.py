"""Many photos at once: reading, running and writing overlap, and memory stays bounded."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from humanseg.images import image_size, read_photo
from humanseg.inference.backgrounds import Background
from humanseg.inference.failures import Failure, failure_of, require_writable
from humanseg.inference.model import Model
from humanseg.inference.outputs import Cut, output_path, write_outputs
from humanseg.inference.sources import Source
from humanseg.postprocess import tidy

_PIXELS_AT_ONCE = 64_000_000
"""Of all photos that are worked on at one time; each takes up to some 20 bytes a pixel."""
_AHEAD = 2


@dataclass(frozen=True)
class Wish:
    """What shall be made of each photo.

    Attributes
    ----------
    kinds
        Keys of `humanseg.inference.outputs.OUTPUTS`.
    background
        What the person is put before, for the output of that name.
    threshold
        Other than the model's own.
    tta
        Average over the mirrored photo.
    min_area
        Remove figures that cover less than this share of the photo.
    keep_largest, fill_holes
        Tidy the mask so.
    """

    kinds: tuple[str, ...]
    background: Background | None = None
    threshold: float | None = None
    tta: bool = False
    min_area: float = 0.0
    keep_largest: bool = False
    fill_holes: bool = False


@dataclass(frozen=True)
class Job:
    """A photo, and the outputs that it still lacks."""

    source: Source
    kinds: tuple[str, ...]


def plan(sources: Sequence[Source], out: Path, wish: Wish, overwrite: bool) -> list[Job]:
    """Return what is left to do: all, or with `overwrite` unset what is not there yet."""
    jobs = []
    for source in sources:
        kinds = tuple(
            kind
            for kind in wish.kinds
            if overwrite or not os.path.exists(output_path(out, source.place, kind))
        )
        if kinds:
            jobs.append(Job(source, kinds))
    return jobs


def predict_photos(
    model: Model, jobs: Iterable[Job], out: Path, wish: Wish, workers: int
) -> Iterator[Failure | None]:
    """Work on photos in several threads, each on one photo from reading to writing.

    Parameters
    ----------
    model
        Shared by the threads.
    jobs
        What to do.
    out
        The output folder.
    wish
        What to make.
    workers
        Number of threads.

    Yields
    ------
    Failure or None
        One for each job, as they end: None where all went well. When the iteration is broken off,
        photos under way are ended or given up; no file is left half-written.

    Raises
    ------
    HumansegError
        The outputs cannot be written, for a reason that holds for all of them.
    """
    require_writable(out)
    budget = _Budget(_PIXELS_AT_ONCE)
    stopped = threading.Event()

    def work(job: Job) -> Failure | None:
        try:
            height, width = image_size(job.source.path)
            with budget.take(height * width):
                if not stopped.is_set():
                    photo = read_photo(job.source.path)
                    probability = model.probability(photo, tta=wish.tta)
                    cut = cut_picture(model, photo, probability, wish)
                if not stopped.is_set():
                    write_outputs(cut, out, job.source.place, job.kinds)
        except Exception as error:
            return failure_of(job.source.path, error)
        return None

    with ThreadPoolExecutor(workers, thread_name_prefix="photo") as pool:
        try:
            yield from _as_they_end(pool, work, jobs, workers * _AHEAD)
        finally:
            stopped.set()
            pool.shutdown(cancel_futures=True)


def cut_picture(
    model: Model, photo: NDArray[np.uint8], probability: NDArray[np.float32], wish: Wish
) -> Cut:
    """Return what the outputs of a photo are made from, tidied as wished.

    Parameters
    ----------
    model
        Its threshold is taken where the wish names none.
    photo
        uint8 (H,W,3).
    probability
        float32 (H,W) in [0,1].
    wish
        What to make.
    """
    threshold = model.threshold if wish.threshold is None else wish.threshold
    if wish.min_area or wish.keep_largest or wish.fill_holes:
        probability = tidy(
            probability,
            threshold,
            min_area=wish.min_area,
            largest=wish.keep_largest,
            holes=wish.fill_holes,
        )
    return Cut(photo, probability, threshold, wish.background)


def _as_they_end(
    pool: ThreadPoolExecutor,
    work: Callable[[Job], Failure | None],
    jobs: Iterable[Job],
    most: int,
) -> Iterator[Failure | None]:
    """Yield results while no more than `most` jobs wait or run."""
    pending: set[Future[Failure | None]] = set()
    for job in jobs:
        pending.add(pool.submit(work, job))
        if len(pending) >= most:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            yield from (each.result() for each in done)
    while pending:
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        yield from (each.result() for each in done)


class _Budget:
    """Lets in photos of so many pixels in all; a larger one waits until it is alone."""

    def __init__(self, pixels: int) -> None:
        self._left = self._all = pixels
        self._changed = threading.Condition()

    @contextmanager
    def take(self, pixels: int) -> Iterator[None]:
        share = min(pixels, self._all)
        with self._changed:
            self._changed.wait_for(lambda: self._left >= share)
            self._left -= share
        try:
            yield
        finally:
            with self._changed:
                self._left += share
                self._changed.notify_all()
