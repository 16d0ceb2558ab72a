"""A video through the model: every picture cut out, steadied over time, drawn and written."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from humanseg.inference.batch.outputs import Matte
from humanseg.inference.guided_filter import refine
from humanseg.inference.model import Model
from humanseg.inference.video.encodings import Encoding, opaque_encoding, transparent_encoding
from humanseg.inference.video.prefetch import prefetch
from humanseg.inference.video.reading import AudioPacket, Frame, VideoReader
from humanseg.inference.video.smoothing import DEFAULT_STRENGTH, TemporalSmoother
from humanseg.inference.video.writing import VideoWriter
from humanseg.io.files import whole_file

MakeMatte: TypeAlias = Callable[
    [NDArray[np.uint8], NDArray[np.float32], NDArray[np.uint8] | None], Matte
]
"""From a picture, uint8 (H,W,3), its probability, float32 (H,W), and where it has transparency how
opaque it is, uint8 (H,W), to what is drawn from."""
Draw: TypeAlias = Callable[[Matte], NDArray[np.uint8]]
"""To what is shown, uint8: (H,W), (H,W,3) or (H,W,4)."""


@dataclass(frozen=True)
class ConversionResult:
    """What was made of a video."""

    # How many it had.
    pictures: int
    # What of it is not as it was, or left out, in words.
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class VideoOutput:
    """One of the files that are made from a video."""

    # Where it shall be.
    path: Path
    # How it is stored.
    encoding: Encoding
    # What it shows.
    draw: Draw
    # A text that is kept in the file.
    comment: str = ""
    # Whether a file that is there may be replaced.
    replace: bool = True


def plan_video_output(
    source: Path, stem: Path, draw: Draw, *, transparent: bool = False
) -> VideoOutput:
    """Choose how to store what is made from a video."""
    encoding = (transparent_encoding if transparent else opaque_encoding)(source)
    return VideoOutput(stem.with_name(stem.name + encoding.suffix), encoding, draw)


def convert_video(
    source: Path,
    outputs: Sequence[VideoOutput],
    model: Model,
    cut: MakeMatte,
    *,
    smooth: float = DEFAULT_STRENGTH,
    tta: bool = False,
    on_frame: Callable[[float, float | None], None] = lambda done, whole: None,
) -> ConversionResult:
    """Make films from a video, each whole or not at all.

    Reading, running the model and writing overlap. Memory does not grow with the length.
    """
    count = 0
    with ExitStack() as stack:
        video = stack.enter_context(VideoReader(source))
        writers = [stack.enter_context(_writer(output, video)) for output in outputs]
        parts = stack.enter_context(closing(prefetch(video)))
        drawing = _draw(
            parts, outputs, model, cut, TemporalSmoother(smooth), video.info.time_base, tta
        )
        drawn = stack.enter_context(closing(prefetch(drawing)))
        for pieces in drawn:
            for writer, piece in zip(writers, pieces, strict=True):
                writer.write(piece)
            if isinstance(pieces[0], Frame):
                count += 1
                on_frame(float(pieces[0].time * video.info.time_base), video.info.seconds)
    notes = [f"left out: {', '.join(video.left_out)}"] if video.left_out else []
    notes += [note for writer in writers for note in writer.notes]
    return ConversionResult(count, tuple(notes))


def _draw(
    parts: Iterable[Frame | AudioPacket],
    outputs: Sequence[VideoOutput],
    model: Model,
    cut: MakeMatte,
    smoother: TemporalSmoother,
    time_base: Fraction,
    tta: bool,
) -> Iterator[list[Frame | AudioPacket]]:
    """Yield, for each part of a video, what goes into each film."""
    last: Frame | None = None
    for part in parts:
        if isinstance(part, AudioPacket):
            yield [part for _ in outputs]
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
        yield [Frame(output.draw(made), part.time, part.duration) for output in outputs]
        last = part


@contextmanager
def _writer(output: VideoOutput, video: VideoReader) -> Iterator[VideoWriter]:
    with (
        whole_file(output.path, replace=output.replace) as partial,
        VideoWriter(
            partial, output.encoding, video.info, video.sound, output.comment, output.path
        ) as writer,
    ):
        yield writer
