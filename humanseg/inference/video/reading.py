"""Reading a video the way a person sees it, frame by frame."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import cv2
import numpy as np
from av.error import InvalidDataError
from av.video.reformatter import ColorRange
from numpy.typing import NDArray

from humanseg.inference.video.facts import Turn, VideoError, examine, explained, moving_pictures


@dataclass(frozen=True)
class Frame:
    """One picture of a video.

    Attributes
    ----------
    pixels
        uint8: (H,W,3) RGB as it is read; what is written may also be grey, (H,W), or have
        transparency, (H,W,4).
    time
        When it is shown, in units of the video's time base.
    duration
        How long, in the same unit; 0 where the file does not say.
    """

    pixels: NDArray[np.uint8]
    time: int
    duration: int


@dataclass(frozen=True)
class Sound:
    """A piece of a video's sound, as it is encoded.

    Attributes
    ----------
    track
        The place of its track in `VideoReader.sound`.
    packet
        The bytes, with their times.
    """

    track: int
    packet: av.Packet


class VideoReader:
    """An open video: `with VideoReader(path) as video: …`.

    Iterating over it yields its pictures and the pieces of its sound, in the order of the file.
    Memory does not grow with the length of the video.

    Attributes
    ----------
    facts
        What is known of it.
    sound
        Its tracks of sound.

    Raises
    ------
    VideoError
        As of `examine`; while iterating, where the file turns out to be broken on the way.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.facts = examine(path)
        with explained(path):
            self._container = av.open(path)
        self._pictures = moving_pictures(path, self._container)
        self._pictures.thread_type = "AUTO"
        # Tracks of a codec that FFmpeg does not know have no context.
        self.sound = [each for each in self._container.streams.audio if each.codec_context]

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self._container.close()

    def __iter__(self) -> Iterator[Frame | Sound]:
        """Yield pictures and pieces of sound."""
        last = None
        tracks = {stream.index: track for track, stream in enumerate(self.sound)}
        with explained(self.path):
            for packet in self._container.demux(self._pictures, *self.sound):
                if packet.stream is not self._pictures:
                    # An empty packet only says that the track ends.
                    if packet.size:
                        yield Sound(tracks[packet.stream.index], packet)
                    continue
                for decoded in self._decode(packet, last):
                    time = decoded.pts if decoded.pts is not None else decoded.dts or 0
                    # Broken files step back in time; what is written must not.
                    last = time if last is None else max(last + 1, time)
                    yield Frame(self._pixels(decoded), last, decoded.duration or 0)

    def _decode(self, packet: av.Packet, last: int | None) -> list[av.VideoFrame]:
        try:
            return self._pictures.decode(packet)
        except InvalidDataError as error:
            seconds = float((last or 0) * self.facts.time_base)
            raise VideoError(
                f"{self.path} is broken {seconds:.1f} s after its start: copy it again from its "
                "source, or cut that part out with a video editor."
            ) from error

    def _pixels(self, decoded: av.VideoFrame) -> NDArray[np.uint8]:
        height, width = self.facts.size
        if self.facts.turn[0] == 0:
            height, width = width, height
        pixels = decoded.to_ndarray(
            format="rgb24",
            # Not its own: the size may change on the way, as calls over a bad line do it.
            width=width,
            height=height,
            src_colorspace=self.facts.colours.matrix,
            dst_color_range=ColorRange.JPEG,
        )
        return turned(pixels.astype(np.uint8, copy=False), self.facts.turn)


def turned(pixels: NDArray[np.uint8], turn: Turn) -> NDArray[np.uint8]:
    """Turn a picture.

    Parameters
    ----------
    pixels
        uint8 (H,W,C).
    turn
        How.

    Returns
    -------
    ndarray
        uint8 (H,W,C), or (W,H,C) after a quarter turn.
    """
    a, b, c, d = turn
    if a == 0:
        pixels = cv2.transpose(pixels).astype(np.uint8, copy=False)
        a, d = c, b
    if a == d == 1:
        return pixels
    axes = -1 if a == d else int(a < 0)
    return cv2.flip(pixels, axes).astype(np.uint8, copy=False)
