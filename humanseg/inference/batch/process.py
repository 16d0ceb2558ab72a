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
from humanseg.io.images import LoadedPhoto, image_size, load_photo, write_image
from humanseg.io.postprocessing import postprocess

_PIXELS_AT_ONCE = 64_000_000
"""Of all photos that are worked on at one time; each takes up to some 20 bytes a pixel."""
_AHEAD = 2


def predict_photos(
    batch: PredictionPlan, sources: Iterable[InputFile], workers: int
) -> Iterator[InputOutcome]:
    """Work on photos in several threads, each on one photo from reading to writing."""
    require_writable(batch.destination.folder)
    budget = _Budget(_PIXELS_AT_ONCE)
    stopped = threading.Event()

    def work(source: InputFile) -> InputOutcome:
        try:
            identity = FileIdentity(source.path, named=not source.stream)
            size = image_size(source.path)
            targets = _targets(batch, source, identity, size)
        except Exception as error:
            return InputOutcome(source, failure=source.failure(error))
        to_make = [each for each in targets if each.is_to_be_made(batch.overwrite)]
        outcome = InputOutcome.of(source, targets, to_make)
        if not to_make or stopped.is_set():
            return outcome
        # Not one photo's trouble: without a model there is no other.
        model = batch.load()
        try:
            with budget.take(size[0] * size[1]):
                if stopped.is_set():
                    return outcome
                picture = load_photo(source.path)
                person = _make(batch, model, source, picture, identity, to_make, stopped)
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
    batch: PredictionPlan, source: InputFile, identity: FileIdentity, size: tuple[int, int]
) -> list[Target]:
    return [
        batch.target(batch.destination.path(source.place, kind, size), kind, identity)
        for kind in batch.options.kinds
    ]


def _make(
    batch: PredictionPlan,
    model: Model,
    source: InputFile,
    picture: LoadedPhoto,
    identity: FileIdentity,
    targets: Sequence[Target],
    stopped: threading.Event,
) -> bool:
    """Write results of a photo; return whether anybody was found."""
    probability = model.probability(picture.over_white(), tta=batch.options.tta)
    cut = make_matte(model, picture.rgb, probability, batch.options, picture.alpha)
    person = bool((cut.visible_probability > cut.threshold).any())
    # What results say of the photo must be true of the pixels that they come from.
    comments = [batch.comment(each.kind, identity, person=person) for each in targets]
    identity.require_unchanged()
    for target, comment in zip(targets, comments, strict=True):
        if stopped.is_set():
            break
        _, draw = OUTPUTS[target.kind]
        is_new = target.state is ResultState.MISSING
        try:
            write_image(target.path, draw(cut), comment, replace=batch.overwrite or not is_new)
        except HumansegError as error:
            if not isinstance(error.__cause__, FileExistsError):
                raise
            _require_same(batch, target, source, identity, error)
    return person


def _require_same(
    batch: PredictionPlan,
    target: Target,
    source: InputFile,
    identity: FileIdentity,
    error: HumansegError,
) -> None:
    """Accept what another process has put there meanwhile, if it is what was asked for."""
    now = batch.target(target.path, target.kind, identity)
    if now.state is not ResultState.CURRENT:
        raise now.refusal(source.path) or error


def make_matte(
    model: Model,
    photo: NDArray[np.uint8],
    probability: NDArray[np.float32],
    options: OutputOptions,
    visible: NDArray[np.uint8] | None = None,
) -> Matte:
    """Return what the outputs of a photo are made from, tidied as wished."""
    threshold = model.threshold if options.threshold is None else options.threshold
    if options.tidies:
        probability = postprocess(
            probability,
            threshold,
            min_area=options.min_area,
            largest=options.keep_largest,
            holes=options.fill_holes,
        )
    return Matte(photo, probability, threshold, options.background, visible)


def _as_they_end(
    pool: ThreadPoolExecutor,
    work: Callable[[InputFile], InputOutcome],
    sources: Iterable[InputFile],
    most: int,
) -> Iterator[InputOutcome]:
    """Yield results while no more than `most` photos wait or run."""
    pending: set[Future[InputOutcome]] = set()
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
