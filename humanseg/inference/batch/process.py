"""Many photos at once: reading, running and writing overlap, and memory stays bounded."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from humanseg.errors import HumansegError
from humanseg.inference.batch.failures import require_writable
from humanseg.inference.batch.outputs import OUTPUTS, Cut
from humanseg.inference.batch.places import Source
from humanseg.inference.batch.plan import Batch, Outcome, Target, Wish
from humanseg.inference.batch.provenance import Fingerprint, State
from humanseg.inference.model import Model
from humanseg.io.images import Picture, image_size, read_picture, write_image
from humanseg.io.postprocessing import tidy

_PIXELS_AT_ONCE = 64_000_000
"""Of all photos that are worked on at one time; each takes up to some 20 bytes a pixel."""
_AHEAD = 2


def predict_photos(batch: Batch, sources: Iterable[Source], workers: int) -> Iterator[Outcome]:
    """Work on photos in several threads, each on one photo from reading to writing.

    Parameters
    ----------
    batch
        What to make of them. What is there already is left where it was made from the same photo
        with the same options by the same model, and made again where options, model or photo have
        changed; what was made from another photo stays, and is a failure.
    sources
        The photos.
    workers
        Number of threads.

    Yields
    ------
    Outcome
        One for each photo, as they end. When the iteration is broken off, photos under way are
        ended or given up; no file is left half-written.

    Raises
    ------
    HumansegError
        The outputs cannot be written or the model cannot be loaded: a reason that holds for all.
    """
    require_writable(batch.destination.folder)
    budget = _Budget(_PIXELS_AT_ONCE)
    stopped = threading.Event()

    def work(source: Source) -> Outcome:
        try:
            fingerprint = Fingerprint(source.path, named=not source.stream)
            size = image_size(source.path)
            targets = _targets(batch, source, fingerprint, size)
        except Exception as error:
            return Outcome(source, failure=source.failure(error))
        to_make = [each for each in targets if each.is_to_be_made(batch.overwrite)]
        outcome = Outcome.of(source, targets, to_make)
        if not to_make or stopped.is_set():
            return outcome
        # Not one photo's trouble: without a model there is no other.
        model = batch.load()
        try:
            with budget.take(size[0] * size[1]):
                if stopped.is_set():
                    return outcome
                picture = read_picture(source.path)
                person = _make(batch, model, source, picture, fingerprint, to_make, stopped)
        except Exception as error:
            return replace(outcome, made=0, again=(), failure=source.failure(error))
        return replace(outcome, person=person, notices=picture.notices)

    with ThreadPoolExecutor(workers, thread_name_prefix="photo") as pool:
        try:
            yield from _as_they_end(pool, work, sources, workers * _AHEAD)
        finally:
            stopped.set()
            pool.shutdown(cancel_futures=True)


def _targets(
    batch: Batch, source: Source, fingerprint: Fingerprint, size: tuple[int, int]
) -> list[Target]:
    return [
        batch.target(batch.destination.path(source.place, kind, size), kind, fingerprint)
        for kind in batch.wish.kinds
    ]


def _make(
    batch: Batch,
    model: Model,
    source: Source,
    picture: Picture,
    fingerprint: Fingerprint,
    targets: Sequence[Target],
    stopped: threading.Event,
) -> bool:
    """Write results of a photo; return whether anybody was found."""
    probability = model.probability(picture.over_white(), tta=batch.wish.tta)
    cut = cut_picture(model, picture.rgb, probability, batch.wish, picture.alpha)
    person = bool((cut.visible_probability > cut.threshold).any())
    # What results say of the photo must be true of the pixels that they come from.
    comments = [batch.comment(each.kind, fingerprint, person=person) for each in targets]
    fingerprint.require_unchanged()
    for target, comment in zip(targets, comments, strict=True):
        if stopped.is_set():
            break
        _, draw = OUTPUTS[target.kind]
        is_new = target.state is State.MISSING
        try:
            write_image(target.path, draw(cut), comment, replace=batch.overwrite or not is_new)
        except HumansegError as error:
            if not isinstance(error.__cause__, FileExistsError):
                raise
            _require_same(batch, target, source, fingerprint, error)
    return person


def _require_same(
    batch: Batch, target: Target, source: Source, fingerprint: Fingerprint, error: HumansegError
) -> None:
    """Accept what another process has put there meanwhile, if it is what was asked for."""
    now = batch.target(target.path, target.kind, fingerprint)
    if now.state is not State.CURRENT:
        raise now.refusal(source.path) or error


def cut_picture(
    model: Model,
    photo: NDArray[np.uint8],
    probability: NDArray[np.float32],
    wish: Wish,
    visible: NDArray[np.uint8] | None = None,
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
    visible
        uint8 (H,W): how opaque the photo itself is; None where it is all over.
    """
    threshold = model.threshold if wish.threshold is None else wish.threshold
    if wish.tidies:
        probability = tidy(
            probability,
            threshold,
            min_area=wish.min_area,
            largest=wish.keep_largest,
            holes=wish.fill_holes,
        )
    return Cut(photo, probability, threshold, wish.background, visible)


def _as_they_end(
    pool: ThreadPoolExecutor,
    work: Callable[[Source], Outcome],
    sources: Iterable[Source],
    most: int,
) -> Iterator[Outcome]:
    """Yield results while no more than `most` photos wait or run."""
    pending: set[Future[Outcome]] = set()
    for source in sources:
        pending.add(pool.submit(work, source))
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
