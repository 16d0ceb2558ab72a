"""What a video says of itself, and whether all of it is there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition, Stream

from humanseg.errors import HumansegError

Rotation: TypeAlias = tuple[int, int, int, int]
"""(a, b, c, d), each -1, 0 or 1: a pixel at (x, y) belongs at (ax + cy, bx + dy)."""

_UPRIGHT = (1, 0, 0, 1)
_QUARTERS: tuple[Rotation, ...] = (_UPRIGHT, (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0))
"""Of a picture that is turned counter-clockwise by so many quarters."""
_BT709, _UNSTATED, _BT601 = 1, 2, 6
_HD = 720
"""Of so many lines or more, a video that does not state its colours is BT.709, else BT.601."""
_STILL = ("_pipe", "image2")
"""How the names of FFmpeg's readers of single pictures end."""
_TAIL = 0.5
"""Seconds, or a twentieth of a longer video, that may be missing at its end."""
_FROM_ZERO = ("matroska,webm", "asf")
"""Containers whose length counts from second 0, however late the first picture is shown."""


class VideoError(HumansegError):
    """A video cannot be used; the message names the file and says what to do."""


@dataclass(frozen=True)
class VideoColors:
    """How the numbers of a video stand for colours, in FFmpeg's codes."""

    # AVColorSpace, AVColorPrimaries, AVColorTransferCharacteristic. The last two may be 2,
    # unstated.
    matrix: int
    primaries: int
    transfer: int


@dataclass(frozen=True)
class VideoInfo:
    """What is known of a video before it is read through."""

    # (H, W) as a person sees it.
    size: tuple[int, int]
    # How its pictures are turned to be seen so.
    turn: Rotation
    # Width over height of a pixel as a person sees it; mostly 1.
    aspect: Fraction
    # Seconds that one unit of a frame's time stands for.
    time_base: Fraction
    # Frames a second, on average.
    rate: Fraction
    # How long it is; None where the file does not say.
    seconds: float | None
    # As the file states them or, where it does not, as players take them.
    colours: VideoColors


def probe(path: Path) -> VideoInfo:
    """Look at a video without reading it through."""
    with explain_video_errors(path), av.open(ffmpeg_url(path)) as container:
        if container.format.name.endswith(_STILL):
            raise VideoError(
                f"{path} is a photo, not a video: give it the suffix of a photo, such as .jpg."
            )
        stream = video_stream(path, container)
        first = next(container.decode(stream), None)
        if first is None:
            raise VideoError(
                f"{path} holds no picture that can be read: copy it again from its source, or "
                "remove it."
            )
        info = _facts(container, stream, first)
        _require_end(path, container)
    return info


def ffmpeg_url(path: Path) -> str:
    """Return what FFmpeg calls a file; it would take the name ``http:a.mp4`` for a web page."""
    return f"file:{path}"


def video_stream(path: Path, container: InputContainer) -> av.VideoStream:
    """Return the first track of pictures; the cover of a song is none."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            return stream
    raise VideoError(
        f"{path} holds sound but no moving pictures: take it out, or give a video instead."
    )


@contextmanager
def explain_video_errors(path: Path) -> Iterator[None]:
    """Turn what FFmpeg says of a video into a paragraph for a person."""
    try:
        yield
    except (FFmpegError, OSError) as error:
        raise VideoError(_explain(path, error)) from error


def _explain(path: Path, error: FFmpegError | OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"There is no file {path}: check the name, or put the video there."
    if path.is_file() and path.stat().st_size == 0:
        return f"{path} is an empty file (0 bytes): copy it again from its source, or remove it."
    if isinstance(error, av.error.InvalidDataError | av.error.EOFError):
        return (
            f"{path} is not a video, or is cut off or broken: copy it again from its source, or "
            "remove it."
        )
    if isinstance(error, OSError) and error.errno is not None:
        return f"Cannot read {path}: {error.strerror}. Check the file and its permissions."
    return (
        f"{path} cannot be read ({error.strerror}): save it anew with a video editor, as MP4 with "
        "H.264."
    )


def _facts(container: InputContainer, stream: av.VideoStream, first: av.VideoFrame) -> VideoInfo:
    turn = rotation_of(first)
    size = (first.height, first.width)
    aspect = stream.sample_aspect_ratio or Fraction(1)
    if turn[0] == 0:
        size, aspect = size[::-1], 1 / aspect
    time_base = stream.time_base or Fraction(1, av.time_base)
    seconds = None
    if stream.duration is not None:
        seconds = float(stream.duration * time_base)
    elif container.duration is not None:
        seconds = container.duration / av.time_base
    return VideoInfo(
        size=size,
        turn=turn,
        aspect=aspect,
        time_base=time_base,
        rate=stream.average_rate or stream.guessed_rate or Fraction(30),
        seconds=seconds,
        colours=_colours(first),
    )


def rotation_of(frame: av.VideoFrame) -> Rotation:
    """Return how a frame is turned to be seen upright, to the nearest quarter."""
    try:
        matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:
        # PyAV does not know every kind of what FFmpeg keeps beside a picture, such as its EXIF.
        return _QUARTERS[round(frame.rotation / 90) % 4]
    if matrix is None:
        return _UPRIGHT
    # Nine numbers: three rows of (a, b, tilt), (c, d, tilt) and (x, y, scale).
    a, b, _, c, d, *_ = np.frombuffer(matrix, np.int32).tolist()
    if abs(a) >= abs(b):
        return (-1 if a < 0 else 1, 0, 0, -1 if d < 0 else 1)
    return (0, -1 if b < 0 else 1, -1 if c < 0 else 1, 0)


def _colours(frame: av.VideoFrame) -> VideoColors:
    matrix = frame.colorspace
    # 0 is RGB, which has no matrix: what is written from it is what players expect.
    if matrix in (0, _UNSTATED):
        matrix = _BT709 if min(frame.width, frame.height) >= _HD else _BT601
    return VideoColors(matrix, frame.color_primaries, frame.color_trc)


def _require_end(path: Path, container: InputContainer) -> None:
    """Refuse a file whose end is not there, as of a download or a recording that broke off."""
    if container.duration is None:
        return
    whole = container.duration / av.time_base
    missing = max(_TAIL, whole / 20)
    container.seek(max(0, container.duration - int(2 * missing * av.time_base)))
    ends = _ends(container)
    if container.streams.subtitles and max(ends.values(), default=0.0) < whole - missing:
        # A line that is shown to the end may come long before it.
        container.seek(0)
        ends = _ends(container)
    # QuickTime states the length of each track, Matroska that of the whole alone.
    stated = [
        (length, ends.get(each.index, 0.0))
        for each in (*container.streams.video, *container.streams.audio)
        if not each.disposition & Disposition.attached_pic
        if (length := _length(container, each)) is not None
    ] or [(whole, max(ends.values(), default=0.0))]
    from_zero = container.format.name in _FROM_ZERO
    start = 0.0 if from_zero else (container.start_time or 0) / av.time_base
    longest = max(duration for duration, _ in stated)
    if any(found - start < duration - missing for duration, found in stated):
        raise VideoError(
            f"{path} is cut off: it says that it is {longest:.1f} s long, but its end is not "
            "there. Copy it again from its source, or remove it."
        )


def _ends(container: InputContainer) -> dict[int, float]:
    """Return the second at which each track ends, of what is still to be read."""
    ends: dict[int, float] = {}
    for packet in container.demux():
        if packet.pts is not None and packet.time_base:
            end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
            ends[packet.stream.index] = max(end, ends.get(packet.stream.index, end))
    return ends


def _length(container: InputContainer, stream: Stream) -> float | None:
    """Return the seconds that a file states for a track."""
    # AVI says how many units there are; the duration counts those that are there.
    units = stream.frames if container.format.name == "avi" else stream.duration
    return float(units * stream.time_base) if units and stream.time_base else None
