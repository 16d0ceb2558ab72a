"""Photos and videos to files of results, by one call."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import Any

from humanseg.errors import HumansegError
from humanseg.inference.backgrounds import read_background
from humanseg.inference.batch.collect import STDIN, collect
from humanseg.inference.batch.failures import InputFailure
from humanseg.inference.batch.input_files import InputFile
from humanseg.inference.batch.outputs import BACKGROUND, OUTPUTS, Destination
from humanseg.inference.batch.plan import InputOutcome, OutputOptions, PredictionPlan
from humanseg.inference.batch.process import predict_photos
from humanseg.inference.batch.search import INPUT_SUFFIXES
from humanseg.inference.batch.stdin import spool_folder
from humanseg.inference.catalog import Use
from humanseg.inference.load import load_model
from humanseg.inference.model import Model
from humanseg.inference.model_file import model_digest
from humanseg.inference.named_model import find_model
from humanseg.io.images import require_format
from humanseg.system.notices import Notices
from humanseg.system.threads import usable_threads

Progress = Callable[[int, int], None]
"""Called with the number of photos and videos that are done, and of all."""


@dataclass(frozen=True)
class Predictions:
    """The outcomes of photos and videos.

    Attributes
    ----------
    outcomes
        One for each photo or video, in the order in which they were done.
    failures
        What could not be used or made, and why.
    left_out
        How many files of a folder are neither photos nor videos, by suffix.
    """

    outcomes: tuple[InputOutcome, ...]
    failures: tuple[InputFailure, ...]
    left_out: Mapping[str, int]

    @property
    def paths(self) -> list[Path]:
        """The files of all results, also those that were there already."""
        usable = (outcome for outcome in self.outcomes if outcome.failure is None)
        return [path for outcome in usable for path in outcome.paths]


def predict_files(
    paths: Sequence[str],
    out: Path,
    options: OutputOptions,
    *,
    model: Path | None = None,
    temporal_smoothing: float | None = None,
    overwrite: bool = False,
    threads: int | None = None,
    on_progress: Progress | None = None,
) -> Predictions:
    """Write results for photos, folders, patterns and videos; see `humanseg.predict`."""
    if STDIN in paths:
        raise HumansegError(
            "- stands for standard input on a command line only: name photos or folders.",
            code="inference.no_input",
        )
    destination = destination_at(out)
    with spool_folder() as spool:
        collected = collect(paths, destination.file or out, spool, bytes)
        if destination.file is not None:
            require_one_result(f"out={out}", out, collected.inputs, options.kinds)
        # Before the first is predicted: a model that is missing is named at once.
        models = {use: find_model(model, use) for use in uses(collected.inputs)}
        batch = PredictionBatch(
            collected.inputs, models, options, destination, overwrite, usable_threads(threads)
        )
        outcomes = []
        videos = batch.predict_videos(temporal_smoothing, lambda *frame: None)
        for outcome in chain(batch.predict_photos(), videos):
            outcomes.append(outcome)
            if on_progress is not None:
                on_progress(len(outcomes), len(collected.inputs))
        failures = [outcome.failure for outcome in outcomes if outcome.failure is not None]
        return Predictions(
            tuple(outcomes), (*collected.failures, *failures), dict(collected.left_out)
        )


@dataclass(frozen=True)
class PredictionBatch:
    """Photos and videos to predict, each kind with its model.

    Attributes
    ----------
    inputs
        Both kinds.
    models
        The ONNX file for each kind that there is.
    options, destination, overwrite
        As of a `PredictionPlan`.
    cores
        How many may be used.
    """

    inputs: Sequence[InputFile]
    models: Mapping[Use, Path]
    options: OutputOptions
    destination: Destination
    overwrite: bool
    cores: int

    @cached_property
    def photos(self) -> list[InputFile]:
        """The photos among the inputs."""
        return [source for source in self.inputs if not source.is_video]

    @cached_property
    def videos(self) -> list[InputFile]:
        """The videos among the inputs."""
        return [source for source in self.inputs if source.is_video]

    @property
    def threads_per_photo(self) -> int:
        """How many cores a photo has; more than one where there are fewer photos than cores."""
        return max(1, self.cores // len(self.photos))

    def predict_photos(self) -> Iterator[InputOutcome]:
        """Predict the photos, and yield the outcome of each."""
        if self.photos:
            # One core for each photo: more done in all than with all cores for each photo in turn.
            plan = self._plan("photos", self.threads_per_photo)
            yield from predict_photos(plan, self.photos, min(self.cores, len(self.photos)))

    def predict_videos(
        self,
        smoothing: float | None,
        on_frame: Callable[[InputFile, float, float | None], None],
    ) -> Iterator[InputOutcome]:
        """Predict the videos one after the other; None is the usual smoothing."""
        if self.videos:
            # Only now: PyAV is loaded for it.
            from humanseg.inference.video.batch import predict_videos
            from humanseg.inference.video.smoothing import DEFAULT_STRENGTH

            strength = DEFAULT_STRENGTH if smoothing is None else float(smoothing)
            plan = self._plan("videos", self.cores)
            yield from predict_videos(plan, self.videos, strength, on_frame)

    def _plan(self, use: Use, threads: int) -> PredictionPlan:
        file = self.models[use]
        load, digest = model_loader(file, threads), model_digest(file)
        return PredictionPlan(
            self.options, self.destination, load, digest, self.overwrite, threads=threads
        )


def destination_at(path: Path) -> Destination:
    """Return a folder of results, or a file where a path has the suffix of one."""
    # Unlike pathlib, os.path has an answer to a name that is too long for the disk.
    if os.path.isdir(path) or path.suffix.lower() not in INPUT_SUFFIXES:
        return Destination(path)
    return Destination(path.parent, path)


def require_one_result(
    option: str, file: Path, inputs: Sequence[InputFile], kinds: Sequence[str]
) -> None:
    """Raise where more than one result would go into one file, or into one that cannot hold it."""
    counts = {"photos or videos": len(inputs), f"kinds of results ({', '.join(kinds)})": len(kinds)}
    for things, count in counts.items():
        if count > 1:
            raise HumansegError(
                f"{option} is for one result, and there are {count} {things}: name a folder.",
                code="cli.bad_output",
            )
    if inputs and not inputs[0].is_video:
        require_format(file, transparent=kinds[0] == "cutout")


def uses(inputs: Sequence[InputFile]) -> list[Use]:
    """Return what models are needed for: photos, videos, or both."""
    kinds: set[Use] = {"videos" if source.is_video else "photos" for source in inputs}
    return sorted(kinds)


def output_options(
    save: Sequence[str],
    background: Any,
    notices: Notices | None = None,
    *,
    threshold: float | None = None,
    tta: bool = False,
    min_area: float = 0.0,
    keep_largest: bool = False,
    fill_holes: bool = False,
) -> OutputOptions:
    """Return what to make of each photo; without `save` or a background, the mask.

    What is to be known of the background's picture is added to `notices`.
    """
    # A text is a sequence, too: of its letters.
    save = (save,) if isinstance(save, str) else save
    if unknown := [kind for kind in save if kind not in OUTPUTS or kind == BACKGROUND]:
        raise HumansegError(
            f"save={unknown[0]!r}: there are mask, cutout, overlay and probability.",
            code="inference.unknown_output",
        )
    chosen = None if background is None else read_background(background, notices)
    kinds = tuple(save) or (() if chosen else ("mask",))
    return OutputOptions(
        kinds=(*kinds, BACKGROUND) if chosen else kinds,
        background=chosen,
        # Plain numbers, which JSON can hold: a program may give those of numpy.
        threshold=None if threshold is None else float(threshold),
        tta=bool(tta),
        min_area=float(min_area),
        keep_largest=keep_largest,
        fill_holes=fill_holes,
    )


def model_loader(path: Path, threads: int) -> Callable[[], Model]:
    """Return a function that loads the model once, whichever thread calls it first."""
    lock = Lock()

    @cache
    def load() -> Model:
        return load_model(path, threads)

    def load_once() -> Model:
        with lock:
            return load()

    return load_once
