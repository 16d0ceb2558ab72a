"""A video through the model: each frame predicted, smoothed over time, rendered and written."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from humanseg.inference.batch.outputs import Matte
from humanseg.inference.guided_filter import refine
from humanseg.inference.model import Model
from humanseg.inference.video.encodings import Encoding, opaque_encoding, transparent_encoding
from humanseg.inference.video.hdr import backgrounds_in_signal
from humanseg.inference.video.reading import AudioPacket, Frame, VideoReader
from humanseg.inference.video.smoothing import DEFAULT_STRENGTH, TemporalSmoother
from humanseg.inference.video.writing import VideoWriter
from humanseg.io.files import whole_file

T = TypeVar("T")
MakeMatte: TypeAlias = Callable[
    [NDArray[np.uint8], NDArray[np.float32], NDArray[np.uint8] | None], Matte
]
"""From a frame, uint8 (H,W,3), its probability, float32 (H,W), and its own opacity, uint8 (H,W),
where it is transparent."""
Render: TypeAlias = Callable[[Matte], NDArray[np.uint8]]
"""To the output frame, uint8: (H,W), (H,W,3) or (H,W,4)."""
_END = object()


@dataclass(frozen=True)
class ConversionResult:
    """The outcome of a video."""

    # How many it had.
    frames: int
    # What differs from the original, or was left out, in words.
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class VideoOutput:
    """A file that is made from a video."""

    path: Path
    encoding: Encoding
    render: Render
    # A text to keep in the file.
    comment: str = ""
    # Whether an existing file may be replaced.
    replace: bool = True


def plan_video_output(
    source: Path, stem: Path, render: Render, *, transparent: bool = False
) -> VideoOutput:
    """Choose the encoding of a file made from a video, by the source's container.

    `stem` is its path without the suffix, which is added here.
    """
    encoding = (transparent_encoding if transparent else opaque_encoding)(source)
    return VideoOutput(stem.with_name(stem.name + encoding.suffix), encoding, render)


def convert_video(
    source: Path,
    outputs: Sequence[VideoOutput],
    model: Model,
    make_matte: MakeMatte,
    *,
    smoothing: float = DEFAULT_STRENGTH,
    tta: bool = False,
    threads: int = 0,
    on_frame: Callable[[float, float | None], None] = lambda done, duration: None,
) -> ConversionResult:
    """Make files from a video, each whole or not at all; the sound goes into each.

    Reading, prediction and writing overlap. Memory does not grow with the length. Masks are
    smoothed at the size that the model works at, before their edges are refined on each frame.
    Of decoder and encoders, each uses up to `threads` cores; 0: all. Raise VideoError where the
    video cannot be read, or a container does not take what is in it.
    """
    count = 0
    if threads >= (os.cpu_count() or 1):
        # Each codec knows best how many it can use.
        threads = 0
    with ExitStack() as stack:
        video = stack.enter_context(VideoReader(source, threads))
        writers = [stack.enter_context(_writer(output, video, threads)) for output in outputs]
        parts = stack.enter_context(closing(prefetch(video)))
        smoother = TemporalSmoother(smoothing)
        time_base = video.info.time_base
        make_matte = backgrounds_in_signal(make_matte, video.info.colors)
        rendering = _render(parts, outputs, model, make_matte, smoother, time_base, tta)
        for rendered in stack.enter_context(closing(prefetch(rendering))):
            for writer, part in zip(writers, rendered, strict=True):
                writer.write(part)
            if isinstance(rendered[0], Frame):
                count += 1
                done, seconds = float(rendered[0].time * time_base), video.info.seconds
                # Of joined files, FFmpeg knows the duration of one.
                on_frame(done, seconds if seconds is None or done <= seconds else None)
    notes = [f"left out: {', '.join(video.left_out)}"] if video.left_out else []
    if video.broken:
        notes.append(f"broken frames, left out: {video.broken}")
    notes += ["interlaced frames are made whole"] if video.deinterlaced else []
    notes += [note for writer in writers for note in writer.notes]
    return ConversionResult(count, tuple(notes))


def _render(
    parts: Iterable[Frame | AudioPacket],
    outputs: Sequence[VideoOutput],
    model: Model,
    make_matte: MakeMatte,
    smoother: TemporalSmoother,
    time_base: Fraction,
    tta: bool,
) -> Iterator[list[Frame | AudioPacket]]:
    """Yield, for each part of a video, what goes into each output."""
    previous: Frame | None = None
    for part in parts:
        if isinstance(part, AudioPacket):
            yield [part for _ in outputs]
            continue
        since = float((part.time - previous.time) * time_base) if previous else 0.0
        small = model.reduce(part.pixels)
        coarse = smoother(small, model.run(small, tta=tta), since)
        probability = refine(coarse, small, part.pixels)
        if part.rgba is None:
            matte = make_matte(part.pixels, probability, None)
        else:
            # Without the white behind it that the model saw.
            visible = np.ascontiguousarray(part.rgba[..., 3])
            matte = make_matte(np.ascontiguousarray(part.rgba[..., :3]), probability, visible)
        yield [Frame(output.render(matte), part.time, part.duration) for output in outputs]
        previous = part


@contextmanager
def _writer(output: VideoOutput, video: VideoReader, threads: int) -> Iterator[VideoWriter]:
    with (
        whole_file(output.path, replace=output.replace) as partial,
        VideoWriter(
            partial, output.encoding, video.info, video.audio, output.comment, output.path, threads
        ) as writer,
    ):
        yield writer


def prefetch(items: Iterable[T], depth: int = 4) -> Generator[T, None, None]:
    """Yield items while a thread prepares up to `depth` next ones; their errors are raised here."""
    iterator = iter(items)
    with ThreadPoolExecutor(1) as pool:
        # One worker, so that the calls come in order.
        waiting = deque(pool.submit(next, iterator, _END) for _ in range(depth))
        while (item := waiting.popleft().result()) is not _END:
            waiting.append(pool.submit(next, iterator, _END))
            yield cast(T, item)
