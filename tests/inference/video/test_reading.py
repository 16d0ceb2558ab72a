"""Videos are read the way a person sees them, and broken ones named."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition
from numpy.typing import NDArray

from humanseg.inference.video.probe import VideoError, probe, rotation_of
from humanseg.inference.video.reading import Frame, VideoReader, rotate
from humanseg.io.images import write_image

Write = Callable[..., Path]


def frames(path: Path) -> list[Frame]:
    with VideoReader(path) as video:
        return [part for part in video if isinstance(part, Frame)]


def difference(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    return float(np.abs(first.astype(int) - second.astype(int)).mean())


def quarters() -> NDArray[np.uint8]:
    """Return 32×48 pixels of four colours, so that every way to turn it looks different."""
    picture = np.zeros((32, 48, 3), np.uint8)
    picture[:16, :24], picture[:16, 24:] = (200, 30, 30), (30, 200, 30)
    picture[16:, :24], picture[16:, 24:] = (30, 30, 200), (200, 200, 30)
    return picture


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.webm"])
def test_every_picture_comes_at_its_time(
    walk: Any, write_film: Write, tmp_path: Path, name: str
) -> None:
    path = write_film(tmp_path / name, walk.photos)
    read = frames(path)
    base = probe(path).time_base
    assert len(read) == len(walk.photos)
    for number, (frame, photo) in enumerate(zip(read, walk.photos, strict=True)):
        assert frame.pixels.shape == photo.shape and frame.pixels.dtype == np.uint8
        assert difference(frame.pixels, photo) < 8
        assert frame.time * base == pytest.approx(number / 30, abs=0.0006)
        assert frame.duration * base == pytest.approx(1 / 30, abs=0.001)


def test_what_is_known_before_reading(walk: Any, write_film: Write, tmp_path: Path) -> None:
    info = probe(write_film(tmp_path / "a.mp4", walk.photos))
    assert info.size == (96, 128)
    assert info.rate == 30
    assert info.seconds == pytest.approx(1, abs=0.05)
    assert info.aspect == 1


def write_in_matrix(path: Path, name: str) -> Path:
    """Write red in BT.709, and state another colour matrix by its name in x264."""
    with av.open(str(path), "w") as file:
        options = {"x264-params": f"colormatrix={name}:colorprim=bt709"}
        stream: Any = file.add_stream("libx264", rate=25, options=options)
        stream.height, stream.width, stream.pix_fmt = 96, 128, "yuv420p"
        red = av.VideoFrame.from_ndarray(np.full((96, 128, 3), (200, 0, 0), np.uint8), "rgb24")
        file.mux(stream.encode(red.reformat(format="yuv420p", dst_colorspace=1)))
        file.mux(stream.encode(None))
    return path


def test_a_matrix_that_follows_from_the_primaries_is_read(tmp_path: Path) -> None:
    path = write_in_matrix(tmp_path / "a.mp4", "chroma-derived-nc")
    assert probe(path).colors.matrix == 1
    assert np.abs(frames(path)[0].pixels.mean((0, 1)) - (200, 0, 0)).max() < 4


def test_colours_that_cannot_be_converted_are_no_fault_of_permissions(tmp_path: Path) -> None:
    path = write_in_matrix(tmp_path / "a.mp4", "ICtCp")
    with pytest.raises(VideoError, match=r"a\.mp4 cannot be read \(.*\): save it again") as caught:
        frames(path)
    assert caught.value.code == "inference.unsupported_video"


def test_a_tape_has_the_rate_of_its_pictures(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.dv"), "w") as file:
        stream: Any = file.add_stream("dvvideo", rate=25)
        stream.width, stream.height, stream.pix_fmt = 720, 576, "yuv420p"
        for _ in range(3):
            black = av.VideoFrame.from_ndarray(np.zeros((576, 720, 3), np.uint8), "rgb24")
            file.mux(stream.encode(black))
    assert probe(tmp_path / "a.dv").rate == 25


def test_sound_comes_along(walk: Any, write_film: Write, tmp_path: Path) -> None:
    with VideoReader(write_film(tmp_path / "a.mp4", walk.photos)) as video:
        parts = [part for part in video if not isinstance(part, Frame)]
        assert len(video.audio) == 1
    assert {part.track for part in parts} == {0}
    assert sum(part.packet.size for part in parts) > 1000
    assert frames(write_film(tmp_path / "b.mp4", walk.photos, audio=None))


@pytest.mark.parametrize("mirrored", [False, True], ids=["plain", "mirrored"])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_pictures_of_a_turned_phone_are_upright(
    write_film: Write, tmp_path: Path, rotation: int, mirrored: bool
) -> None:
    path = write_film(
        tmp_path / "a.mp4", [quarters()] * 2, rotation=rotation, mirrored=mirrored, audio=None
    )
    # FFmpeg turns counter-clockwise, and mirrors what is turned.
    seen = np.rot90(quarters(), rotation // 90)
    seen = seen[:, ::-1] if mirrored else seen
    for frame in frames(path):
        assert frame.pixels.shape == seen.shape == (*probe(path).size, 3)
        assert difference(frame.pixels, seen) < 8


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_what_pyav_does_not_know_beside_a_picture_is_no_trouble(
    write_film: Write, tmp_path: Path, rotation: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_film(tmp_path / "a.mp4", [quarters()] * 2, rotation=rotation, audio=None)
    with av.open(str(path)) as file:
        frame: Any = next(file.decode(video=0))

    class Strange:
        rotation = frame.rotation

        @property
        def side_data(self) -> None:
            raise ValueError("31 is not a valid Type")

    assert rotation_of(Strange()) == rotation_of(frame)  # type: ignore[arg-type]


@pytest.mark.parametrize("flip", [(1, 1), (-1, 1), (1, -1), (-1, -1)])
@pytest.mark.parametrize("quarter", [False, True])
def test_a_pixel_goes_where_the_turn_says(flip: tuple[int, int], quarter: bool) -> None:
    picture = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    a, b, c, d = rotation = (0, flip[0], flip[1], 0) if quarter else (flip[0], 0, 0, flip[1])
    places = {(x, y): (a * x + c * y, b * x + d * y) for x in range(3) for y in range(2)}
    left, top = (min(place[axis] for place in places.values()) for axis in (0, 1))
    result = rotate(picture, rotation)
    for (x, y), (right, down) in places.items():
        assert (result[down - top, right - left] == picture[y, x]).all()


def test_times_of_a_variable_rate_are_kept(walk: Any, write_film: Write, tmp_path: Path) -> None:
    times = [0, 3000, 4500, 12000, 12300, 40000]
    path = write_film(tmp_path / "a.mp4", walk.photos[:6], times=times)
    base = probe(path).time_base
    assert [frame.time * base * 90000 for frame in frames(path)] == times


def test_narrow_pixels_stand_upright_too(walk: Any, write_film: Write, tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.mp4", walk.photos[:2], aspect=Fraction(4, 3), rotation=90)
    info = probe(path)
    assert info.size == (128, 96)
    assert info.aspect == Fraction(3, 4)


@pytest.mark.parametrize(
    ("height", "matrix", "stated"),
    [(96, 5, False), (720, 1, False), (96, 1, True), (720, 5, True)],
    ids=["small", "large", "small that says BT.709", "large that says BT.601"],
)
def test_colours_are_those_that_players_show(
    write_film: Write, tmp_path: Path, height: int, matrix: int, stated: bool
) -> None:
    red = np.full((height, height, 3), (220, 40, 60), np.uint8)
    path = write_film(tmp_path / "a.mp4", [red], matrix=matrix, stated=stated, audio=None)
    (frame,) = frames(path)
    assert np.abs(frame.pixels.reshape(-1, 3).mean(0) - (220, 40, 60)).max() < 4


def test_what_is_no_video_is_named(walk: Any, write_film: Write, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("a letter to my mother " * 100)
    (tmp_path / "folder.mp4").mkdir()
    for name, message in (
        ("nowhere.mp4", "There is no file"),
        ("empty.mp4", "is an empty file"),
        ("text.mp4", "is not a video, or is cut off or broken"),
        ("folder.mp4", "Cannot read"),
    ):
        with pytest.raises(VideoError, match=rf"{name}") as caught:
            VideoReader(tmp_path / name)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as file:
        stream: Any = file.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 48000), np.float32), "fltp", "stereo")
        frame.sample_rate = 48000
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    with pytest.raises(VideoError, match="holds sound but no moving pictures"):
        probe(tmp_path / "a.mp4")


@pytest.mark.parametrize("name", ["a.mkv", "a.webm", "a.wmv", "a.mp4", "a.ts"])
def test_a_video_whose_clock_starts_late_is_whole(
    walk: Any, write_film: Write, tmp_path: Path, name: str
) -> None:
    codec = "wmv2" if name == "a.wmv" else ""
    times = [9_000_000 + number * 9000 for number in range(10)]
    path = write_film(
        tmp_path / name, walk.photos[:10], times=times, duration=9000, codec=codec, audio=None
    )
    assert len(frames(path)) == 10


@pytest.mark.parametrize(
    ("name", "beside"), [("a.mp4", "cover"), ("a.mp4", "line"), ("a.mkv", "line")]
)
def test_a_cover_or_a_long_line_of_subtitles_makes_no_video_cut_off(
    walk: Any, tmp_path: Path, name: str, beside: str
) -> None:
    path = tmp_path / name
    with av.open(str(path), "w") as file:
        stream: Any = file.add_stream("mpeg4", rate=5)
        stream.height, stream.width = walk.photos[0].shape[:2]
        other: Any = None
        if beside == "cover":
            other = file.add_stream("png", rate=1)
            other.height, other.width, other.pix_fmt = 8, 8, "rgb24"
            other.disposition = Disposition.attached_pic
            cover = av.VideoFrame.from_ndarray(np.zeros((8, 8, 3), np.uint8), "rgb24")
            file.start_encoding()
            file.mux(other.encode(cover))
        else:
            line = av.Packet(b"\0\x02Hi" if name == "a.mp4" else b"Hi")
            codec = "mov_text" if name == "a.mp4" else "subrip"
            other = file.add_mux_stream(codec, time_base=Fraction(1, 1000))
            line.stream, line.time_base = other, Fraction(1, 1000)
            line.pts = line.dts = 500
            line.duration = 30_000
        for number in range(20):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(walk.photos[number], "rgb24")))
            if number == 3 and beside == "line":
                file.mux(line)
        file.mux(stream.encode(None))
    assert len(frames(path)) == 20


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.webm"])
@pytest.mark.parametrize("share", [0.3, 0.6])
def test_a_video_that_is_cut_off_is_refused_before_it_is_read(
    walk: Any, write_film: Write, tmp_path: Path, name: str, share: float
) -> None:
    times = list(range(0, 270000, 9000))
    path = write_film(tmp_path / name, walk.photos, times=times, duration=9000)
    assert len(frames(path)) == 30
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(VideoError, match="cut off"):
        VideoReader(path)


@pytest.mark.parametrize("container", ["avi", "flv"])
def test_so_is_one_of_another_container(walk: Any, tmp_path: Path, container: str) -> None:
    codec = "mpeg4" if container == "avi" else "flv"
    path = tmp_path / f"a.{container}"
    with av.open(str(path), "w") as file:
        stream: Any = file.add_stream(codec, rate=5)
        stream.height, stream.width = walk.photos[0].shape[:2]
        for number in range(60):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(walk.photos[number % 30], "rgb24")))
        file.mux(stream.encode(None))
    assert len(frames(path)) == 60
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(VideoError, match="cut off"):
        VideoReader(path)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp"])
def test_a_photo_by_the_name_of_a_video_is_called_a_photo(
    walk: Any, tmp_path: Path, suffix: str
) -> None:
    write_image(tmp_path / f"a{suffix}", walk.photos[0])
    (tmp_path / f"a{suffix}").rename(tmp_path / "a.mp4")
    with pytest.raises(VideoError, match=r"a\.mp4 is a photo, not a video"):
        VideoReader(tmp_path / "a.mp4")


def break_frames(path: Path, numbers: list[int]) -> None:
    """Overwrite the packets of frames with zeros."""
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as file:
        packets = [packet for packet in file.demux(video=0) if packet.size]
        for packet in (packets[number] for number in numbers):
            assert packet.pos is not None
            content[packet.pos : packet.pos + packet.size] = bytes(packet.size)
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["a.mp4", "a.avi"])
def test_a_few_broken_frames_are_left_out(
    walk: Any, write_film: Write, tmp_path: Path, name: str
) -> None:
    path = write_film(tmp_path / name, walk.photos * 2)
    expected = [frame.time for frame in frames(path)]
    del expected[30]
    break_frames(path, [30])
    with VideoReader(path) as video:
        times = [part.time for part in video if isinstance(part, Frame)]
        assert video.broken == 1
    assert len(times) == 59
    # A decoder of several threads reports a broken frame some frames later.
    assert times[:20] + times[-10:] == expected[:20] + expected[-10:]
    break_frames(path, [40])
    with pytest.raises(VideoError, match="is broken"):
        frames(path)


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_what_a_broken_frame_near_the_end_takes_along_is_counted(
    walk: Any, write_film: Write, tmp_path: Path, threads: int
) -> None:
    path = write_film(tmp_path / "a.mp4", walk.photos * 2)
    with VideoReader(path, threads) as video:
        assert (sum(isinstance(part, Frame) for part in video), video.broken) == (60, 0)
    break_frames(path, [57])
    with VideoReader(path, threads) as video:
        count = sum(isinstance(part, Frame) for part in video)
        assert 0 < video.broken == 60 - count


def test_a_video_that_is_broken_on_the_way_is_named(write_film: Write, tmp_path: Path) -> None:
    noise = np.random.default_rng(1)
    photos = [noise.integers(0, 256, (96, 128, 3), np.uint8) for _ in range(6)]
    path = write_film(tmp_path / "a.mp4", photos, codec="libvpx-vp9", audio=None)
    break_frames(path, [2])
    with pytest.raises(VideoError, match=r"a\.mp4 is broken 0\.\d s after its start"):
        frames(path)


def test_the_first_picture_may_come_late(walk: Any, write_film: Write, tmp_path: Path) -> None:
    times = [45000 + 3000 * number for number in range(30)]
    path = write_film(tmp_path / "a.mp4", walk.photos, times=times)
    assert frames(path)[0].time * probe(path).time_base == Fraction(1, 2)
