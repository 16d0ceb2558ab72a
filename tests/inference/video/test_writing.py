"""What is written plays: pictures at their times, colours, transparency, and the sound."""

import re
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from humanseg.errors import HumansegError
from humanseg.inference.video.audio import AudioTrackWriter
from humanseg.inference.video.encodings import Encoding, opaque_encoding, transparent_encoding
from humanseg.inference.video.probe import VideoInfo, probe
from humanseg.inference.video.reading import Frame, VideoReader
from humanseg.inference.video.writing import VideoWriter
from humanseg.io.files import whole_file

Write = Callable[..., Path]
Play = Callable[..., Any]


def rewrite(source: Path, folder: Path, alpha: NDArray[np.uint8] | None = None) -> Path:
    """Write a film again with our writer, with transparency where there is an `alpha`."""
    choose = opaque_encoding if alpha is None else transparent_encoding
    encoding = choose(source)
    target = folder / f"again{encoding.suffix}"
    with (
        VideoReader(source) as video,
        VideoWriter(target, encoding, video.info, video.audio) as writer,
    ):
        for part in video:
            if isinstance(part, Frame) and alpha is not None:
                part = Frame(np.dstack([part.pixels, alpha]), part.time, part.duration)
            writer.write(part)
    return target


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as file:
        return [bytes(packet) for packet in file.demux(audio=0) if packet.size]


def pitch(tone: NDArray[np.float32]) -> float:
    """Return the frequency of the loudest tone."""
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(tone.size)))
    return float(spectrum.argmax()) * 48000 / tone.size


def difference(outputs: Iterable[Any]) -> float:
    first, second = (np.stack(output.photos).astype(int) for output in outputs)
    return float(np.abs(first - second).mean())


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.webm"])
def test_pictures_times_length_and_sound_survive(
    walk: Any, write_film: Write, play: Play, tmp_path: Path, name: str
) -> None:
    source = write_film(tmp_path / name, walk.photos)
    before, after = play(source), play(rewrite(source, tmp_path))
    assert after.times == pytest.approx(before.times, abs=1e-6)
    assert after.seconds == pytest.approx(before.seconds, abs=0.002)
    assert difference((before, after)) < 6
    assert packets(tmp_path / f"again{source.suffix}") == packets(source)
    assert pitch(after.tone) == pytest.approx(440, abs=1)


@pytest.mark.parametrize("codec", ["pcm_s16le", "mp3", "alac"])
def test_sound_of_many_kinds_is_copied(
    walk: Any, write_film: Write, tmp_path: Path, codec: str
) -> None:
    source = write_film(tmp_path / "a.mov", walk.photos[:9], audio=codec)
    assert packets(rewrite(source, tmp_path)) == packets(source)


def test_sound_is_encoded_anew_where_the_container_does_not_take_it(
    walk: Any, write_film: Write, play: Play, tmp_path: Path
) -> None:
    source = write_film(tmp_path / "a.mp4", walk.photos)
    opaque = np.full((96, 128), 255, np.uint8)
    after = play(rewrite(source, tmp_path, opaque))
    assert after.seconds == pytest.approx(1, abs=0.05)
    # To the end: encoders hold some back until they are told.
    assert 1 <= after.tone.size / 48000 < 1.05
    assert np.abs(after.tone).max() == pytest.approx(np.abs(play(source).tone).max(), rel=0.2)
    assert pitch(after.tone) == pytest.approx(440, abs=1)


SPEAKERS = [
    ("ac3", "5.1(side)", 48000, "5.1"),
    ("ac3", "4.0", 48000, "stereo"),
    ("ac3", "2.1", 44100, "stereo"),
    ("pcm_s16le", "6.1", 37800, "6.1"),
    ("pcm_s24le", "3.0", 96000, "3.0"),
    ("pcm_mulaw", "mono", 8000, "mono"),
    ("alac", "stereo", 11025, "stereo"),
]


@pytest.mark.parametrize(("codec", "layout", "rate", "after"), SPEAKERS, ids=lambda text: str(text))
def test_sound_is_mixed_where_the_encoder_does_not_take_its_speakers(
    walk: Any,
    write_film: Write,
    play: Play,
    tmp_path: Path,
    codec: str,
    layout: str,
    rate: int,
    after: str,
) -> None:
    source = write_film(
        tmp_path / "a.mov", walk.photos, audio=codec, layout=layout, sound_rate=rate
    )
    encoding = Encoding(".webm", "libvpx-vp9", "yuv420p", {"cpu-used": "8", "deadline": "realtime"})
    target = tmp_path / "a.webm"
    with (
        VideoReader(source) as video,
        VideoWriter(target, encoding, video.info, video.audio) as writer,
    ):
        for part in video:
            writer.write(part)
    with av.open(str(target)) as file:
        assert file.streams.audio[0].layout.name == after
    fewer = av.AudioLayout(after).nb_channels < av.AudioLayout(layout).nb_channels
    assert writer.notes == ([f"a.webm: sound of {layout} is mixed to {after}"] if fewer else [])
    tone = play(target).tone
    assert 0.95 <= tone.size / 48000 < 1.1
    assert pitch(tone) == pytest.approx(440, abs=1)


def test_sound_that_is_encoded_for_several_files_is_decoded_once(
    walk: Any, write_film: Write, play: Play, tmp_path: Path
) -> None:
    source = write_film(tmp_path / "a.mkv", walk.photos[:15], audio="libmp3lame")
    encoding = Encoding(".webm", "libvpx-vp9", "yuv420p", {"cpu-used": "8", "deadline": "realtime"})

    def convert(*names: str) -> list[Path]:
        targets = [tmp_path / name for name in names]
        with ExitStack() as stack:
            video = stack.enter_context(VideoReader(source))
            writers = [
                stack.enter_context(VideoWriter(path, encoding, video.info, video.audio))
                for path in targets
            ]
            for part in video:
                for writer in writers:
                    writer.write(part)
        return targets

    alone, first, second = (
        play(path).tone for path in (*convert("alone.webm"), *convert("first.webm", "second.webm"))
    )
    np.testing.assert_array_equal(first, alone)
    np.testing.assert_array_equal(second, alone)


def test_copied_sound_keeps_its_times_in_every_file(
    walk: Any, write_film: Write, tmp_path: Path
) -> None:
    source = write_film(tmp_path / "a.mp4", walk.photos[:9], audio="libopus", layout="stereo")
    coarse = Encoding(".webm", "libvpx-vp9", "yuv420p", {"cpu-used": "8", "deadline": "realtime"})
    with (
        VideoReader(source) as video,
        VideoWriter(tmp_path / "b.webm", coarse, video.info, video.audio) as first,
        VideoWriter(tmp_path / "c.mp4", opaque_encoding(source), video.info, video.audio) as second,
    ):
        for part in video:
            first.write(part)
            second.write(part)

    def times(path: Path) -> list[float]:
        with av.open(str(path)) as file:
            return [
                float((packet.pts or 0) * packet.time_base)
                for packet in file.demux(audio=0)
                if packet.size
            ]

    assert times(tmp_path / "c.mp4") == pytest.approx(times(source), abs=1e-6)


def test_broken_pieces_of_sound_are_left_out_and_counted(
    walk: Any, write_film: Write, play: Play, tmp_path: Path
) -> None:
    source = write_film(tmp_path / "a.mp4", walk.photos, layout="stereo")
    content = bytearray(source.read_bytes())
    with av.open(str(source)) as file:
        packets = [packet for packet in file.demux(audio=0) if packet.size]
    for packet in packets[10:14]:
        assert packet.pos is not None
        content[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
    source.write_bytes(content)
    encoding = Encoding(".webm", "libvpx-vp9", "yuv420p", {"cpu-used": "8", "deadline": "realtime"})
    with (
        VideoReader(source) as video,
        VideoWriter(tmp_path / "a.webm", encoding, video.info, video.audio) as writer,
    ):
        for part in video:
            writer.write(part)
    (note,) = writer.notes
    assert re.fullmatch(r"a\.webm: \d pieces of sound are broken, and left out", note)
    assert play(tmp_path / "a.webm").tone.size / 48000 > 0.9


def test_sound_that_a_container_refuses_at_the_start_is_encoded(
    walk: Any, write_film: Write, play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_film(tmp_path / "a.mp4", walk.photos[:15], layout="stereo")
    refuse = av.error.ArgumentError(22, "Invalid argument")
    opened: list[bool] = []

    class Choosy(AudioTrackWriter):
        def __init__(self, container: Any, source: Any, copy: bool = True) -> None:
            super().__init__(container, source, copy)
            opened.append(self.copied)
            if self.copied:
                raise refuse

    monkeypatch.setattr("humanseg.inference.video.writing.AudioTrackWriter", Choosy)
    assert pitch(play(rewrite(source, tmp_path)).tone) == pytest.approx(440, abs=2)
    assert opened == [True, False]


def test_a_video_without_sound_stays_without(
    walk: Any, write_film: Write, play: Play, tmp_path: Path
) -> None:
    source = write_film(tmp_path / "a.mp4", walk.photos[:3], audio=None)
    assert play(rewrite(source, tmp_path)).tone.size == 0


def test_every_track_of_sound_is_kept(walk: Any, write_film: Write, tmp_path: Path) -> None:
    one = write_film(tmp_path / "one.mp4", walk.photos[:9])
    two = tmp_path / "two.mp4"
    with av.open(str(one)) as source, av.open(str(two), "w") as file:
        streams: list[Any] = [*source.streams, source.streams.audio[0]]
        copies = [file.add_stream_from_template(stream) for stream in streams]
        for packet in source.demux():
            belongs = packet.stream
            for stream, copy in zip(streams, copies, strict=True):
                if stream is belongs and packet.size:
                    packet.stream = copy
                    file.mux(packet)
    with av.open(str(rewrite(two, tmp_path))) as file:
        assert len(file.streams.audio) == 2


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_a_track_of_sound_keeps_its_language(walk: Any, tmp_path: Path, suffix: str) -> None:
    source = tmp_path / f"film{suffix}"
    with av.open(str(source), "w") as file:
        stream: Any = file.add_stream("libvpx-vp9" if suffix == ".webm" else "libx264", rate=30)
        stream.height, stream.width = walk.photos[0].shape[:2]
        tracks: list[Any] = []
        for language in ("eng", "deu"):
            codec = "libopus" if suffix == ".webm" else "aac"
            tracks.append(file.add_stream(codec, rate=48000, layout="mono"))
            tracks[-1].metadata["language"] = language
        tracks[1].disposition = av.stream.Disposition.default
        for photo in walk.photos[:9]:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(photo, "rgb24")))
        file.mux(stream.encode(None))
        for track in tracks:
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 14400), np.float32), "fltp", "mono")
            silence.sample_rate, silence.pts = 48000, 0
            file.mux(track.encode(silence))
            file.mux(track.encode(None))

    def names(path: Path) -> list[tuple[str | None, bool]]:
        with av.open(str(path)) as opened:
            default = av.stream.Disposition.default
            return [
                (track.language, bool(track.disposition & default))
                for track in opened.streams.audio
            ]

    assert [language for language, _ in names(source)] == ["eng", "deu"]
    assert names(rewrite(source, tmp_path)) == names(source)
    if suffix == ".mkv":
        # As it is encoded again for another container.
        assert names(rewrite(source, tmp_path, np.full((96, 128), 255, np.uint8))) == names(source)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.webm"])
def test_a_variable_rate_and_a_long_last_picture_are_kept(
    walk: Any, write_film: Write, play: Play, tmp_path: Path, name: str
) -> None:
    times = [0, 3000, 4500, 12000, 12600, 39600]
    source = write_film(tmp_path / name, walk.photos[:6], times=times, duration=27000, audio=None)
    after = play(rewrite(source, tmp_path))
    assert after.times == pytest.approx([time / 90000 for time in times], abs=0.0006)
    assert after.seconds == pytest.approx(0.74, abs=0.002)


@pytest.mark.parametrize(
    ("name", "written"),
    [("a.mp4", (34, 48)), ("a.mov", (34, 48)), ("a.webm", (33, 47))],
)
def test_odd_sides_are_evened_only_where_they_must_be(
    play: Play, tmp_path: Path, name: str, written: tuple[int, int]
) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (33, 47, 1), np.uint8).repeat(3, 2)
    info = facts_of((33, 47))
    with VideoWriter(tmp_path / name, opaque_encoding(Path(name)), info) as writer:
        writer.write(Frame(photo, 0, 3000))
    (after,) = play(tmp_path / name).photos
    assert after.shape == (*written, 3)
    assert np.abs(after[:33, :47].astype(int) - photo).mean() < 8
    if name != "a.webm":
        assert np.abs(after[33, :47].astype(int) - photo[32]).mean() < 12


@pytest.mark.parametrize(
    ("name", "suffix", "decoder"),
    [
        ("a.mp4", ".webm", "libvpx-vp9"),
        ("a.webm", ".webm", "libvpx-vp9"),
        ("a.mov", ".mov", None),
    ],
)
def test_transparency_is_kept(
    walk: Any,
    write_film: Write,
    play: Play,
    tmp_path: Path,
    name: str,
    suffix: str,
    decoder: str | None,
) -> None:
    alpha = np.zeros((96, 128), np.uint8)
    alpha[20:60, 30:70], alpha[70:90, 30:70] = 255, 128
    target = rewrite(write_film(tmp_path / name, walk.photos[:4]), tmp_path, alpha)
    assert target.suffix == suffix
    for photo in play(target, decoder, "rgba").photos:
        assert np.abs(photo[..., 3].astype(int) - alpha).mean() < 2
        assert np.abs(photo[30:50, 40:60, 3].astype(int) - 255).max() < 4


def test_colours_come_through_and_are_stated(write_film: Write, play: Play, tmp_path: Path) -> None:
    for name, matrix in (("a.mp4", 1), ("b.webm", 5), ("c.mov", 1)):
        photo = np.full((64, 64, 3), (220, 40, 60), np.uint8)
        source = write_film(tmp_path / name, [photo] * 2, matrix=matrix, stated=True, audio=None)
        target = rewrite(source, tmp_path)
        with VideoReader(target) as video:
            frame = next(part for part in video if isinstance(part, Frame))
        assert np.abs(frame.pixels.reshape(-1, 3).mean(0) - (220, 40, 60)).max() < 4
        assert probe(target).colors.matrix == probe(source).colors.matrix
        assert play(target).stream.color_range == 1


def test_black_and_white_stay_so(play: Play, tmp_path: Path) -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:, 32:] = 255
    for name in ("a.mp4", "a.webm"):
        encoding = opaque_encoding(Path(name))
        with VideoWriter(tmp_path / name, encoding, facts_of((64, 64))) as writer:
            writer.write(Frame(picture, 0, 3000))
        (after,) = play(tmp_path / name).photos
        assert after[:, :24].max() <= 3 and after[:, 40:].min() >= 252


def test_narrow_pixels_stay_narrow(walk: Any, write_film: Write, tmp_path: Path) -> None:
    source = write_film(tmp_path / "a.mp4", walk.photos[:2], aspect=Fraction(4, 3))
    assert probe(rewrite(source, tmp_path)).aspect == Fraction(4, 3)


def test_an_error_on_the_way_leaves_no_file(walk: Any, tmp_path: Path) -> None:
    with (
        pytest.raises(KeyError),
        whole_file(tmp_path / "a.mp4") as partial,
        VideoWriter(partial, opaque_encoding(Path("a.mp4")), facts_of((96, 128))) as writer,
    ):
        writer.write(Frame(walk.photos[0], 0, 3000))
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_named(walk: Any) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    noise = np.random.default_rng(0)
    with (
        pytest.raises(HumansegError, match="the disk is full"),
        VideoWriter(full, opaque_encoding(Path("a.webm")), facts_of((96, 128))) as writer,
    ):
        for time in range(0, 90000, 3000):
            writer.write(Frame(noise.integers(0, 256, (96, 128, 3), np.uint8), time, 3000))


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(HumansegError, match="Cannot write"):
        VideoWriter(tmp_path / "no" / "a.mp4", opaque_encoding(Path("a.mp4")), facts_of((8, 8)))


def facts_of(size: tuple[int, int]) -> VideoInfo:
    from humanseg.inference.video.probe import VideoColors

    return VideoInfo(
        size=size,
        rotation=(1, 0, 0, 1),
        aspect=Fraction(1),
        time_base=Fraction(1, 90000),
        rate=Fraction(30),
        seconds=None,
        colors=VideoColors(6, 2, 2),
    )
