"""Videos of every container that people have: read, and written where players find them."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from humanseg.inference.video import VIDEO_SUFFIXES
from humanseg.inference.video.encodings import opaque_encoding
from humanseg.inference.video.reading import Frame, VideoReader
from humanseg.inference.video.writing import VideoWriter

RATE = 25
TICK = Fraction(1, RATE)


def write_clip(
    path: Path,
    codec: str,
    audio: str,
    *,
    container: str | None = None,
    begin: int = 0,
    options: dict[str, str] | None = None,
    title: str = "",
) -> Path:
    """Write a second in which a flash of 1/25 s and a click come together at 0.48 s."""
    with av.open(str(path), "w", format=container) as file:
        file.metadata["title"] = title
        frames: Any = file.add_stream(codec, rate=RATE, options=options or {})
        frames.width, frames.height, frames.pix_fmt = 176, 144, "yuv420p"
        frames.codec_context.time_base = TICK
        track: Any = file.add_stream(audio, rate=48000)
        track.layout, track.metadata["title"] = "stereo", title
        for number in range(RATE):
            level = 255 if number == 12 else 0
            frame = av.VideoFrame.from_ndarray(np.full((144, 176, 3), level, np.uint8), "rgb24")
            frame.pts, frame.time_base = begin + number, TICK
            file.mux(frames.encode(frame))
        file.mux(frames.encode(None))
        wave = np.zeros((2, 48000), np.float32)
        wave[:, 23040:23280] = 0.8
        heard = av.AudioFrame.from_ndarray(wave, "fltp", "stereo")
        heard.sample_rate, heard.pts, heard.time_base = 48000, begin * 1920, Fraction(1, 48000)
        file.mux(track.encode(heard))
        file.mux(track.encode(None))
    return path


def remade(source: Path) -> Path:
    """Write a clip again with our reader and writer."""
    encoding = opaque_encoding(source)
    target = source.with_name(f"again{encoding.suffix}")
    with (
        VideoReader(source) as video,
        VideoWriter(target, encoding, video.info, video.audio) as writer,
    ):
        for part in video:
            writer.write(part)
    return target


def marks(path: Path) -> tuple[int, list[float], float]:
    """Return how many pictures there are, when it flashes, and when it clicks."""
    with av.open(str(path)) as file:
        frames = list(file.decode(video=0))
    levels = [frame.to_ndarray(format="gray").mean() for frame in frames]
    flashes = [
        float(frame.time or 0) for frame, level in zip(frames, levels, strict=True) if level > 128
    ]
    with av.open(str(path)) as file:
        to_floats = av.AudioResampler("flt", "mono")
        heard = [part for each in file.decode(audio=0) for part in to_floats.resample(each)]
    clicks = [
        float(part.time or 0) + stem / part.sample_rate
        for part in heard
        for stem in np.flatnonzero(part.to_ndarray()[0] > 0.3)
    ]
    return len(frames), flashes, min(clicks)


CLIPS = [
    ("a.mkv", "libx264", "ac3", None),
    ("a.avi", "mpeg4", "pcm_s16le", None),
    ("b.avi", "mpeg4", "libmp3lame", None),
    ("a.m4v", "libx264", "aac", "mp4"),
    ("a.3gp", "mpeg4", "aac", None),
    ("a.mpg", "mpeg2video", "mp2", None),
    ("a.ts", "libx264", "aac", None),
    ("a.m2ts", "libx264", "ac3", None),
    ("a.MTS", "libx264", "ac3", "mpegts"),
    ("a.flv", "libx264", "aac", None),
    ("a.ogv", "libvpx", "libopus", "ogg"),
    ("a.mxf", "mpeg2video", "pcm_s16le", None),
    ("a.qt", "libx264", "pcm_s16be", "mov"),
]


@pytest.mark.parametrize(("name", "codec", "audio", "container"), CLIPS, ids=lambda text: str(text))
def test_pictures_and_sound_stay_together(
    name: str, codec: str, audio: str, container: str | None, tmp_path: Path
) -> None:
    source = write_clip(tmp_path / name, codec, audio, container=container)
    assert source.suffix.lower() in VIDEO_SUFFIXES
    count, (flash,), click = marks(remade(source))
    assert count == RATE
    # An encoder of sound smears a click over a block.
    assert click - flash == pytest.approx(0, abs=0.03)
    before = marks(source)
    assert flash - click == pytest.approx(before[1][0] - before[2], abs=0.03)


def test_a_broadcast_that_counts_from_anywhere_begins_at_once(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.ts", "libx264", "aac", begin=90000)
    assert marks(source)[1][0] > 3600
    count, (flash,), click = marks(remade(source))
    assert count == RATE
    assert 0.45 < flash < 0.65
    assert click - flash == pytest.approx(0, abs=0.03)


def test_sound_that_a_broadcast_sends_later_stays_with_its_pictures(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.ts", "libx264", "aac", begin=90000)
    content = source.read_bytes()
    packets = [content[start : start + 188] for start in range(0, len(content), 188)]
    # Of the sound: its number is 257.
    packets.sort(key=lambda packet: int.from_bytes(packet[1:3], "big") & 0x1FFF == 257)
    source.write_bytes(b"".join(packets))
    count, (flash,), click = marks(remade(source))
    assert count == RATE
    assert click - flash == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize("begins", [(0, 0), (90000, 0), (0, 90000), (0, 700, 100)])
@pytest.mark.parametrize(
    ("name", "codec", "audio"), [("a.ts", "libx264", "aac"), ("a.mpg", "mpeg2video", "mp2")]
)
def test_files_that_were_joined_byte_by_byte_follow_each_other(
    name: str, codec: str, audio: str, begins: tuple[int, ...], tmp_path: Path
) -> None:
    parts = [
        write_clip(tmp_path / f"{part}{name}", codec, audio, begin=begin)
        for part, begin in enumerate(begins)
    ]
    source = tmp_path / name
    source.write_bytes(b"".join(part.read_bytes() for part in parts))
    with av.open(str(remade(source))) as file:
        seconds = [float(frame.time or 0) for frame in file.decode(video=0)]
    assert len(seconds) == RATE * len(begins)
    assert seconds[-1] == pytest.approx(len(begins), abs=0.3)
    assert 0.01 < np.diff(seconds).min() < np.diff(seconds).max() < 0.3
    _, flashes, click = marks(tmp_path / "again.mp4")
    assert len(flashes) == len(begins)
    assert click - flashes[0] == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mpg", "mpeg2video", {"b": "4000000"}),
        ("a.ts", "libx264", {"preset": "ultrafast", "x264-params": "interlaced=1"}),
        ("one.mpg", "mpeg2video", {"b": "4000000"}),
    ],
    ids=["disc", "camcorder", "one picture"],
)
def test_interlaced_pictures_are_made_whole(
    name: str, codec: str, options: dict[str, str], tmp_path: Path
) -> None:
    """A bar that moves from one field to the next: every other line has it elsewhere."""
    source, count = tmp_path / name, 1 if name == "one.mpg" else 12
    with av.open(str(source), "w") as file:
        stream: Any = file.add_stream(codec, rate=RATE, options={"flags": "+ilme+ildct", **options})
        stream.height, stream.width, stream.pix_fmt = 96, 128, "yuv420p"
        for number in range(count):
            pixels = np.zeros((96, 128, 3), np.uint8)
            for field in (0, 1):
                left = 8 * number + 4 * field
                pixels[field::2, left : left + 20] = 255
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
            frame.pts, frame.time_base = number, TICK
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    with VideoReader(source) as video:
        frames = [part for part in video if isinstance(part, Frame)]
        seconds = [float(frame.time * video.info.time_base) for frame in frames]
        assert video.deinterlaced
    assert len(frames) == count
    assert np.diff(seconds) == pytest.approx(np.full(count - 1, 1 / RATE))
    for whole in frames[1:]:
        lines = whole.pixels.mean(2)
        assert np.abs(lines[1:-1] * 2 - lines[:-2] - lines[2:]).mean() < 1


def test_pictures_that_avi_stores_out_of_order_come_in_order(tmp_path: Path) -> None:
    options = {"bf": "3", "g": "25", "x264-params": "b-adapt=0"}
    source = write_clip(tmp_path / "a.avi", "libx264", "libmp3lame", options=options)
    with VideoReader(source) as video:
        frames = [part for part in video if isinstance(part, Frame)]
        seconds = [float(frame.time * video.info.time_base) for frame in frames]
    assert seconds == pytest.approx([number / RATE for number in range(RATE)])
    assert [frame.pixels.mean() > 128 for frame in frames].index(True) == 12
    assert frames[12].time * video.info.time_base == pytest.approx(0.48)


def test_texts_of_old_files_that_are_not_unicode(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.avi", "mpeg4", "libmp3lame", title="Maenner")
    source.write_bytes(source.read_bytes().replace(b"Maenner", "Männer!".encode("cp1252")))
    with VideoReader(remade(source)) as video:
        assert video.info.seconds == pytest.approx(1, abs=0.1)
