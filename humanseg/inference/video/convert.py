"""A video through the model: every picture cut out, steadied over time, drawn and written."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from humanseg.inference.batch.outputs import Cut
from humanseg.inference.guided_filter import refine
from humanseg.inference.model import Model
from humanseg.inference.video.encodings import Encoding, opaque_encoding, transparent_encoding
from humanseg.inference.video.prefetch import ahead
from humanseg.inference.video.reading import Frame, Sound, VideoReader
from humanseg.inference.video.smoothing import DEFAULT_STRENGTH, Smoother
from humanseg.inference.video.writing import VideoWriter
from humanseg.io.files import whole_file

CutPicture: TypeAlias = Callable[
    [NDArray[np.uint8], NDArray[np.float32], NDArray[np.uint8] | None], Cut
]
"""From a picture, uint8 (H,W,3), its probability, float32 (H,W), and where it has transparency how
opaque it is, uint8 (H,W), to what is drawn from."""
Draw: TypeAlias = Callable[[Cut], NDArray[np.uint8]]
"""To what is shown, uint8: (H,W), (H,W,3) or (H,W,4)."""


@dataclass(frozen=True)
class Converted:
    """What was made of a video.

    Attributes
    ----------
    pictures
        How many it had.
    notes
        What of it is not as it was, or left out, in words.
    """

    pictures: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Film:
    """One of the files that are made from a video.

    Attributes
    ----------
    path
        Where it shall be.
    encoding
        How it is stored.
    draw
        What it shows.
    comment
        A text that is kept in the file.
    replace
        Whether a file that is there may be replaced.
    """

    path: Path
    encoding: Encoding
    draw: Draw
    comment: str = ""
    replace: bool = True


def plan_film(source: Path, stem: Path, draw: Draw, *, transparent: bool = False) -> Film:
    """Choose how to store what is made from a video.

    Parameters
    ----------
    source
        The video: what is made from it is stored in the same container where that is one of mp4,
        mov, mkv and webm, else as mp4.
    stem
        Where the film shall be, without the suffix, which is added here.
    draw
        What it shows.
    transparent
        Whether it draws (H,W,4). No mp4 that players know has transparency: such a film becomes a
        WebM (VP9), or stays QuickTime (ProRes 4444).
    """
    encoding = (transparent_encoding if transparent else opaque_encoding)(source)
    return Film(stem.with_name(stem.name + encoding.suffix), encoding, draw)


def convert_video(
    source: Path,
    films: Sequence[Film],
    model: Model,
    cut: CutPicture,
    *,
    smooth: float = DEFAULT_STRENGTH,
    tta: bool = False,
    on_frame: Callable[[float, float | None], None] = lambda done, whole: None,
) -> Converted:
    """Make films from a video, each whole or not at all.

    Reading, running the model and writing overlap. Memory does not grow with the length.

    Parameters
    ----------
    source
        The video.
    films
        What to make of it. The sound goes into each.
    model
        What finds the person.
    cut
        What becomes of each picture and its probability.
    smooth
        Strength against flicker, see `Smoother`; the masks are steadied at the size that the
        model works at, before their edges are refined on each picture.
    tta
        Average over the mirrored picture.
    on_frame
        Called after each picture with the seconds of the video that are done, and of the whole
        where that is known.

    Returns
    -------
    Converted
        How many pictures there were, and what else a person wants to know.

    Raises
    ------
    VideoError
        The video cannot be read, or a container does not take what is in it.
    HumansegError
        A film cannot be written, or the model cannot be run.
    """
    count = 0
    with ExitStack() as stack:
        video = stack.enter_context(VideoReader(source))
        writers = [stack.enter_context(_writer(film, video)) for film in films]
        parts = stack.enter_context(closing(ahead(video)))
        drawing = _draw(parts, films, model, cut, Smoother(smooth), video.facts.time_base, tta)
        drawn = stack.enter_context(closing(ahead(drawing)))
        for pieces in drawn:
            for writer, piece in zip(writers, pieces, strict=True):
                writer.write(piece)
            if isinstance(pieces[0], Frame):
                count += 1
                on_frame(float(pieces[0].time * video.facts.time_base), video.facts.seconds)
    notes = [f"left out: {', '.join(video.left_out)}"] if video.left_out else []
    notes += [note for writer in writers for note in writer.notes]
    return Converted(count, tuple(notes))


def _draw(
    parts: Iterable[Frame | Sound],
    films: Sequence[Film],
    model: Model,
    cut: CutPicture,
    smoother: Smoother,
    time_base: Fraction,
    tta: bool,
) -> Iterator[list[Frame | Sound]]:
    """Yield, for each part of a video, what goes into each film."""
    last: Frame | None = None
    for part in parts:
        if isinstance(part, Sound):
            yield [part for _ in films]
            continue
        since = float((part.time - last.time) * time_base) if last else 0.0
        small = model.reduce(part.pixels)
        coarse = smoother(small, model.run(small, tta=tta), since)
        probability = refine(coarse, small, part.pixels)
        if part.rgba is None:
            made = cut(part.pixels, probability, None)
        else:
            # Without the white that the model saw behind it.
            visible = np.ascontiguousarray(part.rgba[..., 3])
            made = cut(np.ascontiguousarray(part.rgba[..., :3]), probability, visible)
        yield [Frame(film.draw(made), part.time, part.duration) for film in films]
        last = part


@contextmanager
def _writer(film: Film, video: VideoReader) -> Iterator[VideoWriter]:
    with (
        whole_file(film.path, replace=film.replace) as partial,
        VideoWriter(
            partial, film.encoding, video.facts, video.sound, film.comment, film.path
        ) as writer,
    ):
        yield writer
