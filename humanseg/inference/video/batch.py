"""Several videos, one after the other: what is left to do, and what could not be used."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from humanseg.inference.batch import Wish, cut_picture
from humanseg.inference.failures import Failure, failure_of
from humanseg.inference.model import Model
from humanseg.inference.outputs import OUTPUTS, output_path
from humanseg.inference.sources import Source
from humanseg.inference.video.convert import Film, convert_video, plan_film

_TRANSPARENT = ("cutout",)


@dataclass(frozen=True)
class VideoJob:
    """A video, and the films that are still to be made of it."""

    path: Path
    films: tuple[Film, ...]


def plan_videos(
    sources: Sequence[Source], out: Path, wish: Wish, overwrite: bool
) -> list[VideoJob]:
    """Return what is left to do: all, or with `overwrite` unset what is not there yet."""
    jobs = []
    for source in sources:
        films = [_film(source, out, kind) for kind in wish.kinds]
        left = tuple(film for film in films if overwrite or not os.path.exists(film.path))
        if left:
            jobs.append(VideoJob(source.path, left))
    return jobs


def predict_videos(
    model: Model,
    jobs: Iterable[VideoJob],
    wish: Wish,
    smooth: float,
    on_frame: Callable[[Path, float, float | None], None],
) -> Iterator[int | Failure]:
    """Work on videos, one at a time.

    Parameters
    ----------
    model
        Best with all the processor's cores for one picture.
    jobs
        What to do.
    wish
        What to make of each picture.
    smooth
        Strength against flicker.
    on_frame
        Called after each picture with the video, the seconds of it that are done, and of the whole
        where that is known.

    Yields
    ------
    int or Failure
        One for each job: how many pictures it had, or why it could not be used.

    Raises
    ------
    HumansegError
        The films cannot be written, for a reason that holds for all of them.
    """
    for job in jobs:
        try:
            yield convert_video(
                job.path,
                job.films,
                model,
                lambda photo, probability: cut_picture(model, photo, probability, wish),
                smooth=smooth,
                tta=wish.tta,
                on_frame=partial(on_frame, job.path),
            )
        except Exception as error:
            yield failure_of(job.path, error)


def _film(source: Source, out: Path, kind: str) -> Film:
    _, draw = OUTPUTS[kind]
    # Named like the output of a photo, but for the suffix.
    stem = output_path(out, source.place, kind).with_suffix("")
    return plan_film(source.path, stem, draw, transparent=kind in _TRANSPARENT)
