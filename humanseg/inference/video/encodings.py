"""The container and codec that a video is written in."""

from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Literal


@dataclass(frozen=True)
class Encoding:
    """The encoding of frames."""

    # Of the file; it says the container.
    suffix: str
    # FFmpeg's name of the encoder.
    codec: Literal["libx264", "libvpx-vp9", "prores_ks"]
    # FFmpeg's name of its pixel format.
    pixels: str
    # The encoder's own: as fast as it can be where a person sees no loss.
    options: dict[str, str] = field(default_factory=dict)
    # The sides of a frame are multiples of it.
    step: int = 1

    @property
    def container(self) -> str:
        """FFmpeg's name of the container."""
        return "matroska" if self.suffix == ".mkv" else self.suffix[1:]


# With B-frames, QuickTime loses the duration of the last frame.
_H264 = {"preset": "veryfast", "crf": "18", "bf": "0"}
_CONTAINERS = {".mov": ".mov", ".qt": ".mov", ".mkv": ".mkv"}
_VP9 = {"crf": "20", "deadline": "realtime", "cpu-used": "6", "row-mt": "1"}


def opaque_encoding(source: PurePath) -> Encoding:
    """Return how to write a video made from another: mp4, mov, mkv and webm stay, else mp4."""
    suffix = source.suffix.lower()
    if suffix == ".webm":
        return Encoding(suffix, "libvpx-vp9", "yuv420p", _VP9)
    suffix = _CONTAINERS.get(suffix, ".mp4")
    # Every player and phone knows 4:2:0, which has one colour for 2×2 pixels.
    return Encoding(suffix, "libx264", "yuv420p", _H264, step=2)


def transparent_encoding(source: PurePath) -> Encoding:
    """Return how to write a video with transparency, which no mp4 that players know can hold.

    QuickTime stays QuickTime, as ProRes 4444 for video editors; others become WebM with VP9 for
    browsers.
    """
    if source.suffix.lower() in (".mov", ".qt"):
        return Encoding(".mov", "prores_ks", "yuva444p10le", {"profile": "4444"})
    return Encoding(".webm", "libvpx-vp9", "yuva420p", _VP9)
