"""Reading a video the way a person sees it, frame by frame."""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np
from av.codec.codec import UnknownCodecError
from av.container import InputContainer
from av.error import FFmpegError, InvalidDataError
from av.stream import Disposition
from av.video.reformatter import ColorRange
from numpy.typing import NDArray

from humanseg.inference.backgrounds import composite
from humanseg.inference.video.deinterlace import Deinterlacer
from humanseg.inference.video.probe import (
    Rotation,
    VideoError,
    explain_video_errors,
    open_video,
    probe,
    video_stream,
)
from humanseg.inference.video.timeline import Timeline

_NO_PTS = ("avi",)
"""Containers that say when a frame is decoded, and not when it is shown."""
_MOST_BROKEN = 0.02
"""A video of which a greater share of the frames cannot be decoded is not used."""
_KEEP_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""FFmpeg's own decoders of these drop the transparency that is beside the frames."""


@dataclass(frozen=True)
class Frame:
    """One frame of a video."""

    # uint8: (H,W,3) RGB as it is read, over white where it is transparent; what is written may also
    # be grey, (H,W), or have transparency, (H,W,4).
    pixels: NDArray[np.uint8]
    # When it is shown, in units of the video's time base.
    time: int
    # How long, in the same unit; 0 where the file does not say.
    duration: int
    # uint8 (H,W,4): the frame with its own transparency; None where it is opaque.
    rgba: NDArray[np.uint8] | None = None


@dataclass
class AudioPacket:
    """A packet of a video's sound, as it is encoded."""

    # The index of its track in `VideoReader.audio`.
    track: int
    # Empty for the end of the track.
    packet: av.Packet
    # Whether `frames` could not be decoded.
    broken: bool = False

    @cached_property
    def frames(self) -> list[av.AudioFrame]:
        """The decoded sound: once, in the order of the track, for all files that need it."""
        try:
            return cast("list[av.AudioFrame]", self.packet.decode())
        except FFmpegError:
            self.broken = True
            return []


class VideoReader(AbstractContextManager["VideoReader"]):
    """An open video: `with VideoReader(path) as video: …`.

    Memory does not grow with the length of the video. Raise VideoError for a video that is broken,
    also while iterating.
    """

    def __init__(self, path: Path, threads: int = 0) -> None:
        self.path = path
        self.info = probe(path)
        with explain_video_errors(path):
            self._container = open_video(path)
        self._video = video_stream(path, self._container)
        self._decoder = _picture_decoder(path, self._video)
        self._decoder.thread_type = "AUTO"
        self._decoder.thread_count = threads
        # Tracks of a codec that FFmpeg does not know have no context.
        self.audio = [track for track in self._container.streams.audio if track.codec_context]
        self.left_out = _left_out(self._container, self.audio)
        self._deinterlacer = Deinterlacer(self.info.time_base)
        self._most_broken = _MOST_BROKEN * float((self.info.seconds or 0) * self.info.rate)
        # How many frames could not be decoded so far.
        self.broken = 0

    @property
    def deinterlaced(self) -> bool:
        """Whether any frame so far had two fields of different times."""
        return self._deinterlacer.used

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._container.close()

    def __iter__(self) -> Iterator[Frame | AudioPacket]:
        """Yield frames and audio packets in the order of the file."""
        last = None
        tracks = {stream.index: track for track, stream in enumerate(self.audio)}
        timeline, clock = Timeline(self._container), _Clock(self._container.format.name)
        with explain_video_errors(self.path):
            for packet in self._container.demux(self._video, *self.audio):
                timeline.shift(packet)
                if packet.stream is not self._video:
                    yield AudioPacket(tracks[packet.stream.index], packet)
                    continue
                clock.decode(packet)
                for decoded in self._decode(packet, clock, last):
                    time = clock.show(decoded)
                    # Broken files step back in time; what is written must not.
                    last = time if last is None else max(last + 1, time)
                    decoded.pts, decoded.time_base = last, self.info.time_base
                    yield from map(self._frame, self._deinterlacer.push(decoded))
            # A decoder of several threads ends at a broken frame among the last ones.
            self.broken += clock.count_missing()
            yield from map(self._frame, self._deinterlacer.flush())

    def _decode(self, packet: av.Packet, clock: "_Clock", last: int | None) -> list[av.VideoFrame]:
        try:
            return self._decoder.decode(packet)
        except InvalidDataError as error:
            self.broken += 1
            if self.broken <= self._most_broken:
                clock.skip()
                return []
            seconds = float((last or 0) * self.info.time_base)
            raise VideoError(
                f"{self.path} is broken {seconds:.1f} s after its start: copy it again from its "
                "source, or cut that part out with a video editor.",
            ) from error

    def _frame(self, decoded: av.VideoFrame) -> Frame:
        time, duration = decoded.pts or 0, decoded.duration or 0
        pixels = self._pixels(decoded, "rgba" if _has_alpha(decoded.format) else "rgb24")
        if pixels.shape[2] == 3:
            return Frame(pixels, time, duration)
        colors, alpha = np.ascontiguousarray(pixels[..., :3]), pixels[..., 3]
        if alpha.min() == 255:
            return Frame(colors, time, duration)
        over_white = composite(colors, np.full_like(colors, 255), alpha)
        return Frame(over_white, time, duration, pixels)

    def _pixels(self, decoded: av.VideoFrame, layout: str) -> NDArray[np.uint8]:
        height, width = self.info.size
        if self.info.rotation[0] == 0:
            height, width = width, height
        pixels = decoded.to_ndarray(
            format=layout,
            # Not the frame's own: the size may change on the way, as in calls over a bad line.
            width=width,
            height=height,
            src_colorspace=self.info.colors.matrix,
            dst_color_range=ColorRange.JPEG,
        )
        return rotate(pixels.astype(np.uint8, copy=False), self.info.rotation)


class _Clock:
    """Computes when frames are shown."""

    def __init__(self, container: str) -> None:
        self._no_pts = container in _NO_PTS
        self._times: deque[int] = deque()
        # When the frames are shown that are decoded and not shown yet, where the file says so.
        self._expected: list[int] = []

    def decode(self, packet: av.Packet) -> None:
        """Record a packet that is about to be decoded."""
        if self._no_pts and packet.dts is not None:
            self._times.append(packet.dts)
        elif packet.pts is not None and packet.size and not packet.is_discard:
            self._expected.append(packet.pts)

    def skip(self) -> None:
        """Forget a packet of which nothing was decoded: the last one, or one shortly before it."""
        waiting = self._times or self._expected
        if waiting:
            waiting.pop()

    def count_missing(self) -> int:
        """Return how many frames should have been shown after the last one that was."""
        return len(self._expected)

    def show(self, decoded: av.VideoFrame) -> int:
        """Return the time of the next frame, in units of the video's time base."""
        # The decoder gives frames in the order of showing, some packets late: the first one is
        # shown at the time of the first packet.
        if self._times:
            return self._times.popleft()
        if decoded.pts is not None:
            self._expected = [time for time in self._expected if time > decoded.pts]
        return decoded.pts if decoded.pts is not None else decoded.dts or 0


def _left_out(container: InputContainer, audio: Sequence[av.AudioStream]) -> list[str]:
    """Return what of a file is not read, in words."""
    frames = [
        stream
        for stream in container.streams.video
        if not stream.disposition & Disposition.attached_pic
    ]
    counts = {
        "track of sound of an unknown kind": len(container.streams.audio) - len(audio),
        "further track of pictures": len(frames) - 1,
        "track of subtitles": len(container.streams.subtitles),
    }
    return [
        f"{count} {what if count == 1 else what.replace('track', 'tracks', 1)}"
        for what, count in counts.items()
        if count
    ]


def _picture_decoder(path: Path, stream: av.VideoStream) -> av.VideoCodecContext:
    """Return a decoder for a video stream that keeps its transparency."""
    context = stream.codec_context
    # WebM and Matroska say so of a track (AlphaMode), and keep it beside each frame.
    if stream.metadata.get("alpha_mode", "0") == "0":
        return context
    name = _KEEP_ALPHA.get(context.codec.canonical_name)
    if name is None:
        return context
    try:
        decoder = av.CodecContext.create(name, "r")
    except UnknownCodecError as error:
        raise VideoError(
            f"{path} has transparency, which this build of FFmpeg cannot read (it lacks {name}): "
            "install PyAV from PyPI, or save the video as QuickTime with ProRes 4444.",
            code="inference.missing_codec",
        ) from error
    assert isinstance(decoder, av.VideoCodecContext)
    return decoder


def _has_alpha(layout: av.VideoFormat) -> bool:
    """Return whether frames of this pixel format may have transparency."""
    return layout.has_palette or any(component.is_alpha for component in layout.components)


def rotate(pixels: NDArray[np.uint8], rotation: Rotation) -> NDArray[np.uint8]:
    """Rotate a frame, uint8 (H,W,C)."""
    a, b, c, d = rotation
    if a == 0:
        pixels = cv2.transpose(pixels).astype(np.uint8, copy=False)
        a, d = c, b
    if a == d == 1:
        return pixels
    axes = -1 if a == d else int(a < 0)
    return cv2.flip(pixels, axes).astype(np.uint8, copy=False)
