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
from humanseg.inference.batch.input_files import InputFile
from humanseg.inference.batch.outputs import OUTPUTS, Matte
from humanseg.inference.batch.plan import InputOutcome, OutputOptions, PredictionPlan, Target
from humanseg.inference.batch.provenance import FileIdentity, ResultState
from humanseg.inference.model import Model
from humanseg.io.decoding.errors import explain_image_errors
from humanseg.io.decoding.limits import require_pixels
from humanseg.io.images import LoadedPhoto, image_size, load_photo, write_image
from humanseg.io.postprocessing import postprocess
from humanseg.system.memory import usable_memory

_PIXELS_AT_ONCE = 64_000_000
"""Of all photos in progress together; fewer where half of the memory holds less."""
_PIXEL_BYTES = 20
"""The most memory that a photo in progress takes for each of its pixels."""
_GREY = ("mask", "probability", "soft")
"""Kinds of results without colours."""
_LEAST_BYTES, _LEAST_GREY_BYTES = 15, 8
"""The least memory for each pixel, measured with one photo: in general, and for grey results."""
_QUEUED_PER_WORKER = 2


def predict_photos(
    plan: PredictionPlan, photos: Iterable[InputFile], workers: int
) -> Iterator[InputOutcome]:
    """Process photos in several threads, each on one photo at a time; yield outcomes as they end.

    Where the iteration is broken off, photos in progress are finished or given up; no file is left
    half-written. Raise HumansegError for a reason that holds for all photos.
    """
    require_writable(plan.destination.folder)
    budget = _PixelBudget(int(min(_PIXELS_AT_ONCE, usable_memory() / 2 / _PIXEL_BYTES)))
    least = _LEAST_GREY_BYTES if set(plan.options.kinds) <= set(_GREY) else _LEAST_BYTES
    stopped = threading.Event()

    def process(source: InputFile) -> InputOutcome:
        try:
            identity = FileIdentity(source.path, named=not source.stream)
            size = image_size(source.path)
            targets = [
                plan.target(plan.destination.path(source.stem, kind, size), kind, identity)
                for kind in plan.options.kinds
            ]
        except Exception as error:
            return InputOutcome(source, failure=source.failure(error))
        to_make = [target for target in targets if target.is_to_be_made(plan.overwrite)]
        outcome = InputOutcome.of(source, targets, to_make)
        if not to_make or stopped.is_set():
            return outcome
        # Outside of the try block: without a model no other photo can be processed either.
        model = plan.load()
        try:
            with explain_image_errors(source.path):
                # If memory ran out, the system would end this process, with all other photos.
                require_pixels(size[1], size[0], least)
            with budget.take(size[0] * size[1]):
                if stopped.is_set():
                    return outcome
                photo = load_photo(source.path)
                person = _write_results(plan, model, source, photo, identity, to_make, stopped)
        except Exception as error:
            return replace(outcome, made=0, remade=(), failure=source.failure(error))
        return replace(outcome, person=person, notices=photo.notices)

    with ThreadPoolExecutor(workers, thread_name_prefix="photo") as pool:
        try:
            yield from _as_completed(pool, process, photos, workers * _QUEUED_PER_WORKER)
        finally:
            stopped.set()
            pool.shutdown(cancel_futures=True)


def _write_results(
    plan: PredictionPlan,
    model: Model,
    source: InputFile,
    photo: LoadedPhoto,
    identity: FileIdentity,
    targets: Sequence[Target],
    stopped: threading.Event,
) -> bool:
    """Write results of a photo; return whether anybody was found."""
    probability = model.probability(photo.over_white(), tta=plan.options.tta)
    matte = make_matte(model, photo.rgb, probability, plan.options, photo.alpha)
    person = bool((matte.visible_probability > matte.threshold).any())
    # What results say of the photo must be true of the pixels that they come from.
    comments = [plan.comment(target.kind, identity, person=person) for target in targets]
    identity.require_unchanged()
    for target, comment in zip(targets, comments, strict=True):
        if stopped.is_set():
            break
        _, render = OUTPUTS[target.kind]
        is_new = target.state is ResultState.MISSING
        try:
            write_image(target.path, render(matte), comment, replace=plan.overwrite or not is_new)
        except HumansegError as error:
            if not isinstance(error.__cause__, FileExistsError):
                raise
            # Another process may have put the same result there meanwhile.
            now = plan.target(target.path, target.kind, identity)
            if now.state is not ResultState.CURRENT:
                raise now.refusal(source.path) or error from error.__cause__
    return person


def make_matte(
    model: Model,
    photo: NDArray[np.uint8],
    probability: NDArray[np.float32],
    options: OutputOptions,
    visible: NDArray[np.uint8] | None = None,
) -> Matte:
    """Return the matte of a photo, post-processed as the options say."""
    threshold = model.threshold if options.threshold is None else options.threshold
    if options.postprocesses:
        probability = postprocess(
            probability,
            threshold,
            min_area=options.min_area,
            keep_largest=options.keep_largest,
            fill_holes=options.fill_holes,
        )
    return Matte(photo, probability, threshold, options.background, visible)


def _as_completed(
    pool: ThreadPoolExecutor,
    process: Callable[[InputFile], InputOutcome],
    photos: Iterable[InputFile],
    most: int,
) -> Iterator[InputOutcome]:
    """Yield outcomes while no more than `most` photos wait or run."""
    pending: set[Future[InputOutcome]] = set()
    for source in photos:
        pending.add(pool.submit(process, source))
        if len(pending) >= most:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    while pending:
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        yield from (future.result() for future in done)


class _PixelBudget:
    """Limits the pixels of the photos in progress; a larger photo waits until it is alone."""

    def __init__(self, pixels: int) -> None:
        self._free = self._all = pixels
        self._changed = threading.Condition()

    @contextmanager
    def take(self, pixels: int) -> Iterator[None]:
        pixels = min(pixels, self._all)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= pixels)
            self._free -= pixels
        try:
            yield
        finally:
            with self._changed:
                self._free += pixels
                self._changed.notify_all()
