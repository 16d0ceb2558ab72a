"""Short films of a drawn figure that walks through the picture, with a tone as sound."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from humanseg.data.synthetic.background import draw_background
from humanseg.data.synthetic.canvas import Canvas, Placement
from humanseg.data.synthetic.person import paint_person

RATE = 30
SIZE = (96, 128)
TONE = 440.0
SOUND_RATE = 48000
UNIT = Fraction(1, 90000)

Photos = Sequence[NDArray[np.uint8]]


class Walk(NamedTuple):
    """Pictures (H,W,3) RGB of a figure that walks, and its exact masks (H,W) in {0,1}."""

    photos: list[NDArray[np.uint8]]
    masks: list[NDArray[np.uint8]]


class VideoOutput(NamedTuple):
    """What a player finds in a file; times in seconds."""

    photos: list[NDArray[np.uint8]]
    times: list[float]
    seconds: float
    tone: NDArray[np.float32]
    stream: Any


@pytest.fixture(scope="session")
def walk() -> Walk:
    """One second in which a figure goes two pixels a picture to the right, before a still wall."""
    background = draw_background(*SIZE, np.random.default_rng(3))
    walk = Walk([], [])
    for number in range(RATE):
        canvas = Canvas(*SIZE, (0.0, -1.0))
        place = Placement((36.0 + 2 * number, 34.0), 22.0, 0.0)
        paint_person(canvas, place, np.random.default_rng(11))
        scene, mask = canvas.flatten(background)
        walk.photos.append(np.round(np.clip(scene, 0, 1) * 255).astype(np.uint8))
        walk.masks.append(mask)
    return walk


@pytest.fixture(scope="session")
def red_walk(walk: Walk) -> Walk:
    """The same with the figure in red and all else in other colours, as the red model sees it."""
    photos = []
    for photo, mask in zip(walk.photos, walk.masks, strict=True):
        tinted = photo // 2
        tinted[..., 0] = np.where(mask, 230, 20)
        photos.append(tinted)
    return Walk(photos, walk.masks)


@pytest.fixture(scope="session")
def write_film() -> Callable[..., Path]:
    """Write a film with PyAV alone, so that it checks our reader and writer."""
    return _write_film


@pytest.fixture(scope="session")
def play() -> Callable[..., VideoOutput]:
    """Read a film with PyAV alone."""
    return _play


def _write_film(
    path: Path,
    photos: Photos,
    *,
    codec: str = "",
    pixels: str = "yuv420p",
    audio: str | None = "",
    layout: str = "mono",
    sound_rate: int = SOUND_RATE,
    times: Sequence[int] | None = None,
    duration: int = 3000,
    rotation: float | None = None,
    mirrored: bool = False,
    matrix: int = 5,
    stated: bool = False,
    aspect: Fraction | None = None,
) -> Path:
    """Write photos, RGB or RGBA, and a tone as long as they are.

    `times` and `duration` are in units of 1/90000 s, `matrix` is FFmpeg's number of the colour
    matrix, and `stated` whether the file names it.
    """
    webm = path.suffix == ".webm"
    codec = codec or ("libvpx-vp9" if webm else "libx264")
    speed = {"deadline": "realtime", "cpu-used": "8"} if webm else {"preset": "ultrafast"}
    if pixels == "yuva420p":
        # libvpx writes no picture ahead of its time where there is transparency.
        speed["auto-alt-ref"] = "0"
    path.parent.mkdir(parents=True, exist_ok=True)
    if times is None:
        times = [number * 90000 // RATE for number in range(len(photos))]
    with av.open(str(path), "w") as file:
        stream: Any = file.add_stream(codec, rate=RATE, options={"crf": "12", **speed})
        stream.height, stream.width = photos[0].shape[:2]
        stream.pix_fmt = pixels
        context = stream.codec_context
        context.time_base = UNIT
        context.flags |= 1 << 8
        if aspect is not None:
            context.sample_aspect_ratio = aspect
        if stated:
            context.colorspace = matrix
        if rotation is not None:
            stream.set_display_rotation(rotation, hflip=mirrored)
        tone: Any = None
        if audio is not None:
            tone = file.add_stream(audio or ("libopus" if webm else "aac"), rate=sound_rate)
            tone.layout = layout
        file.start_encoding()
        for photo, time in zip(photos, times, strict=True):
            colors = "rgba" if photo.shape[2] == 4 else "rgb24"
            frame = av.VideoFrame.from_ndarray(photo, colors).reformat(
                format=pixels, dst_colorspace=matrix, dst_color_range=1
            )
            frame.pts, frame.time_base, frame.duration = time, UNIT, duration
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
        if tone is not None:
            length = (times[-1] + duration) / 90000
            wave = np.sin(2 * np.pi * TONE * np.arange(int(sound_rate * length)) / sound_rate)
            channels = wave.astype(np.float32)[None].repeat(len(tone.layout.channels), 0) / 4
            heard = av.AudioFrame.from_ndarray(channels, "fltp", layout)
            heard.sample_rate, heard.pts = sound_rate, 0
            file.mux(tone.encode(heard))
            file.mux(tone.encode(None))
    return path


def _play(path: Path, decoder: str | None = None, pixels: str = "rgb24") -> VideoOutput:
    """Return all of a film; its pictures as they are stored, not turned."""
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        decode: Any = stream.decode
        if decoder is not None:
            context: Any = av.CodecContext.create(decoder, "r")
            decode = context.decode
        frames = [frame for packet in file.demux(stream) for frame in decode(packet)]
        photos = [frame.to_ndarray(format=pixels) for frame in frames]
        seconds = (file.duration or 0) / av.time_base
    heard: list[NDArray[np.float32]] = []
    with av.open(str(path)) as file:
        if file.streams.audio:
            to_floats = av.AudioResampler("flt", "mono", SOUND_RATE)
            for frame in file.decode(file.streams.audio[0]):
                heard += [part.to_ndarray()[0] for part in to_floats.resample(frame)]
        tone = np.concatenate(heard) if heard else np.zeros(0, np.float32)
        times = [float(frame.pts * frame.time_base) for frame in frames]
        return VideoOutput(photos, times, seconds, tone, file.streams.video[0])
