"""Probing a video: its size, rotation, times and colours, and whether it is whole."""

import errno
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
from humanseg.inference.video.timeline import JOINABLE
from humanseg.io.decoding.errors import COPY_AGAIN, explain_file, explain_system

Rotation: TypeAlias = tuple[int, int, int, int]
"""(a, b, c, d), each -1, 0 or 1: a pixel at (x, y) belongs at (ax + cy, bx + dy)."""

_UPRIGHT = (1, 0, 0, 1)
_QUARTERS: tuple[Rotation, ...] = (_UPRIGHT, (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0))
"""For a frame that is rotated counter-clockwise by so many quarters."""
_BT709, _UNSTATED, _BT601, _BT2020, _BY_PRIMARIES = 1, 2, 6, 9, 12
_HD = 720
"""A video of so many lines or more that does not state its colours is BT.709, else BT.601."""
_STILL = ("_pipe", "image2")
"""The suffix of the names of FFmpeg's demuxers for still images."""
_TAIL = 0.5
"""Seconds, or a twentieth of a longer video, that may be missing at its end."""
_FROM_ZERO = ("matroska,webm", "asf")
"""Containers whose duration counts from second 0, however late the first frame is shown."""


class VideoError(HumansegError):
    """A video cannot be used; the message names the file and says what to do."""

    code = "inference.broken_video"


@dataclass(frozen=True)
class VideoColors:
    """The colour space of a video, in FFmpeg's codes; primaries and transfer may be 2, unstated."""

    # AVColorSpace, AVColorPrimaries, AVColorTransferCharacteristic.
    matrix: int
    primaries: int
    transfer: int


@dataclass(frozen=True)
class VideoInfo:
    """The properties of a video, before its frames are read."""

    # (H, W) as a person sees it.
    size: tuple[int, int]
    # How its frames are rotated to be seen so.
    rotation: Rotation
    # Width over height of a pixel as a person sees it, mostly 1.
    aspect: Fraction
    # Seconds of one unit of a frame's time.
    time_base: Fraction
    # Frames per second, on average.
    rate: Fraction
    # Its duration; None where the file does not say.
    seconds: float | None
    # As the file states them or, where it does not, as players take them.
    colors: VideoColors


def probe(path: Path) -> VideoInfo:
    """Return what is known of a video without reading all of it; raise VideoError."""
    with explain_video_errors(path), open_video(path) as container:
        if container.format.name.endswith(_STILL):
            raise VideoError(
                f"{path} is a photo, not a video: give it the suffix of a photo, such as .jpg.",
                code="inference.photo_not_video",
            )
        stream = video_stream(path, container)
        first = next(container.decode(stream), None)
        if first is None:
            message = f"{path} holds no picture that can be read: {COPY_AGAIN}"
            raise VideoError(message)
        info = _info(container, stream, first)
        _require_end(path, container)
    return info


def read_video_comment(path: Path) -> str | None:
    """Return the comment in a video; None where there is none, or where it is no video."""
    try:
        with open_video(path) as container:
            # Matroska writes the names of tags in capitals.
            tags = {name.lower(): text for name, text in container.metadata.items()}
    except (FFmpegError, OSError, ValueError):
        return None
    return tags.get("comment")


def open_video(path: Path) -> InputContainer:
    """Open a video, whatever the encoding of its title and other texts."""
    # PyAV 19 has no such option, and takes any text.
    takes_any = int(av.__version__.split(".")[0]) >= 19
    options: dict[str, Any] = {} if takes_any else {"metadata_errors": "replace"}
    return av.open(ffmpeg_url(path), **options)


def ffmpeg_url(path: Path) -> str:
    """Return the URL of a file; FFmpeg would take the name ``http:a.mp4`` for a web page."""
    return f"file:{path}"


def video_stream(path: Path, container: InputContainer) -> av.VideoStream:
    """Return the first video stream that is not the cover of a song."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            return stream
    raise VideoError(
        f"{path} holds sound but no moving pictures: take it out, or give a video instead.",
        code="inference.no_frames",
    )


@contextmanager
def explain_video_errors(path: Path) -> Iterator[None]:
    """Turn errors of FFmpeg and the system into a VideoError that names the file."""
    try:
        yield
    except (FFmpegError, OSError) as error:
        message, code = _explain(path, error)
        raise VideoError(message, code=code) from error


def _explain(path: Path, error: FFmpegError | OSError) -> tuple[str, str]:
    """Return a message and its code."""
    if (explained := explain_file(path, error, "video")) is not None:
        return explained
    if isinstance(error, av.error.InvalidDataError | av.error.EOFError):
        message = f"{path} is not a video, or is cut off or broken: {COPY_AGAIN}"
        return message, VideoError.code
    # Such as a colour space that FFmpeg cannot convert.
    is_unsupported = isinstance(error, OSError) and error.errno in (errno.ENOTSUP, errno.ENOSYS)
    if isinstance(error, OSError) and error.errno is not None and not is_unsupported:
        return explain_system(path, error)
    message = (
        f"{path} cannot be read ({error.strerror}): save it again with a video editor, as MP4 with "
        "H.264."
    )
    return message, "inference.unsupported_video"


def _info(container: InputContainer, stream: av.VideoStream, first: av.VideoFrame) -> VideoInfo:
    rotation = rotation_of(first)
    size = (first.height, first.width)
    aspect = stream.sample_aspect_ratio or Fraction(1)
    if rotation[0] == 0:
        size, aspect = size[::-1], 1 / aspect
    time_base = stream.time_base or Fraction(1, av.time_base)
    seconds = None
    if stream.duration is not None:
        seconds = float(stream.duration * time_base)
    elif container.duration is not None:
        seconds = container.duration / av.time_base
    return VideoInfo(
        size=size,
        rotation=rotation,
        aspect=aspect,
        time_base=time_base,
        # For tapes (DV) FFmpeg gives an average of 60,000.
        rate=min(filter(None, (stream.average_rate, stream.guessed_rate)), default=Fraction(30)),
        seconds=seconds,
        colors=_colours(first),
    )


def rotation_of(frame: av.VideoFrame) -> Rotation:
    """Return how a frame is rotated to be upright, to the nearest quarter."""
    try:
        matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:
        # PyAV does not know every kind of side data, such as EXIF.
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
    # 0 is RGB, which has no matrix: the output gets the one that players expect.
    if matrix in (0, _UNSTATED):
        matrix = _BT709 if min(frame.width, frame.height) >= _HD else _BT601
    elif matrix == _BY_PRIMARIES:
        # FFmpeg cannot convert this one. For primaries other than BT.2020 it is close to BT.709's.
        matrix = _BT2020 if frame.color_primaries == _BT2020 else _BT709
    return VideoColors(matrix, frame.color_primaries, frame.color_trc)


def _require_end(path: Path, container: InputContainer) -> None:
    """Raise for a file whose end is missing, as of a download or a recording that broke off."""
    # Where a file states no duration, FFmpeg takes it from its last times.
    if container.duration is None or container.format.name in JOINABLE:
        return
    duration = container.duration / av.time_base
    missing = max(_TAIL, duration / 20)
    container.seek(max(0, container.duration - int(2 * missing * av.time_base)))
    ends = _ends(container)
    if container.streams.subtitles and max(ends.values(), default=0.0) < duration - missing:
        # A line that is shown to the end may come long before it.
        container.seek(0)
        ends = _ends(container)
    # QuickTime states the duration of each stream, Matroska that of the whole only.
    durations_and_ends = [
        (stated, ends.get(stream.index, 0.0))
        for stream in (*container.streams.video, *container.streams.audio)
        if not stream.disposition & Disposition.attached_pic
        if (stated := _stated_duration(container, stream)) is not None
    ] or [(duration, max(ends.values(), default=0.0))]
    from_zero = container.format.name in _FROM_ZERO
    start = 0.0 if from_zero else (container.start_time or 0) / av.time_base
    if any(end - start < stated - missing for stated, end in durations_and_ends):
        longest = max(stated for stated, _ in durations_and_ends)
        raise VideoError(
            f"{path} is cut off: it says that it is {longest:.1f} s long, but its end is not "
            "there. Copy it again from its source, or remove it.",
            code="inference.cut_off_video",
        )


def _ends(container: InputContainer) -> dict[int, float]:
    """Return the second at which each stream ends, by the packets still to be read."""
    ends: dict[int, float] = {}
    for packet in container.demux():
        if packet.pts is not None and packet.time_base:
            end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
            ends[packet.stream.index] = max(end, ends.get(packet.stream.index, end))
    return ends


def _stated_duration(container: InputContainer, stream: Stream) -> float | None:
    """Return the seconds that a file states for a stream."""
    # AVI states the number of frames; its duration counts those that exist.
    units = stream.frames if container.format.name == "avi" else stream.duration
    return float(units * stream.time_base) if units and stream.time_base else None
