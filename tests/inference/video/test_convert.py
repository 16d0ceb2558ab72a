"""A video through the model: the red model makes masks whose truth is known."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

import humanseg
from humanseg.errors import HumansegError
from humanseg.inference import Model
from humanseg.inference.backgrounds import Background, ColorBackground, ImageBackground
from humanseg.inference.batch.outputs import Matte, render_background, render_cutout, render_mask
from humanseg.inference.video.convert import VideoOutput, convert_video, plan_video_output
from humanseg.inference.video.probe import VideoError
from humanseg.inference.video.reading import Frame, VideoReader
from humanseg.metrics.scores import dice

Write = Callable[..., Path]
Play = Callable[..., Any]


@pytest.fixture(scope="module")
def model(write_red: Callable[..., Path]) -> Model:
    info = {"format": 1, "name": "red", "threshold": 0.5, "long_side": 128}
    return humanseg.load(write_red(metadata=info))


@pytest.fixture(scope="module")
def source(red_walk: Any, write_film: Write, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("source") / "walk.mp4", red_walk.photos)


def make_matte(
    photo: NDArray[np.uint8], probability: NDArray[np.float32], visible: NDArray[np.uint8] | None
) -> Matte:
    return Matte(photo, probability, 0.5, ColorBackground((0, 200, 0)), visible)


def matte_before(background: Background, *frame: Any) -> Matte:
    return replace(make_matte(*frame), background=background)


def masks(path: Path) -> VideoOutput:
    return plan_video_output(path, path.with_suffix(""), render_mask)


def test_masks_follow_the_figure(
    source: Path, model: Model, red_walk: Any, play: Play, tmp_path: Path
) -> None:
    seen: list[tuple[float, float | None]] = []
    made = convert_video(
        source,
        [masks(tmp_path / "mask.mp4")],
        model,
        make_matte,
        on_frame=lambda done, whole: seen.append((done, whole)),
    )
    output = play(tmp_path / "mask.mp4")
    assert made.frames == len(output.photos) == len(seen) == 30
    assert made.notes == ()
    assert seen[-1] == (pytest.approx(29 / 30), pytest.approx(1, abs=0.05))
    scores = [
        dice(photo[..., 0] > 127, mask)
        for photo, mask in zip(output.photos, red_walk.masks, strict=True)
    ]
    assert np.mean(scores) > 0.97
    assert output.tone.size == play(source).tone.size


def test_no_more_is_said_to_be_done_than_there_is(
    model: Model, red_walk: Any, write_film: Write, tmp_path: Path
) -> None:
    part = write_film(tmp_path / "part.ts", red_walk.photos, audio=None)
    source = tmp_path / "joined.ts"
    source.write_bytes(2 * part.read_bytes())
    seen: list[tuple[float, float | None]] = []
    convert_video(
        source,
        [masks(tmp_path / "mask.ts")],
        model,
        make_matte,
        on_frame=lambda done, whole: seen.append((done, whole)),
    )
    assert seen[-1][0] == pytest.approx(2, abs=0.1)
    assert all(whole is None or done <= whole for done, whole in seen)


def test_several_films_come_from_one_pass(
    source: Path, model: Model, play: Play, tmp_path: Path
) -> None:
    cutout = plan_video_output(source, tmp_path / "cutout", render_cutout, transparent=True)
    green = plan_video_output(source, tmp_path / "green", render_background)
    convert_video(source, [cutout, masks(tmp_path / "mask.mp4"), green], model, make_matte)
    outputs = [
        play(cutout.path, "libvpx-vp9", "rgba"),
        play(tmp_path / "mask.mp4"),
        play(green.path),
    ]
    assert {len(output.photos) for output in outputs} == {30}
    for output in outputs:
        assert output.tone.size / 48000 == pytest.approx(1, abs=0.05)
    alpha, white = outputs[0].photos[9][..., 3], outputs[1].photos[9][..., 0]
    assert dice(alpha > 127, white > 127) > 0.97
    wall = outputs[2].photos[9][white < 10]
    assert np.abs(np.median(wall, axis=0) - (0, 200, 0)).max() < 6


@pytest.mark.parametrize(
    ("name", "opaque", "transparent"),
    [
        ("a.mp4", ".mp4", ".webm"),
        ("B.MOV", ".mov", ".mov"),
        ("c.d.webm", ".webm", ".webm"),
        ("d.MKV", ".mkv", ".webm"),
        ("e.avi", ".mp4", ".webm"),
        ("f.m2ts", ".mp4", ".webm"),
        ("g.m4v", ".mp4", ".webm"),
    ],
)
def test_a_film_is_named_by_what_can_hold_it(name: str, opaque: str, transparent: str) -> None:
    source, stem = Path(name), Path("out") / Path(name).stem
    for chosen, suffix in ((False, opaque), (True, transparent)):
        output = plan_video_output(source, stem, render_cutout, transparent=chosen)
        assert output.path == Path("out") / f"{source.stem}{suffix}"
        assert output.encoding.pixels.startswith("yuva") == chosen


def test_smoothing_takes_flicker_out(
    red_walk: Any, write_film: Write, model: Model, play: Play, tmp_path: Path
) -> None:
    # The noise of the camera makes the red model waver where red is about half.
    still = cv2.GaussianBlur(red_walk.photos[15], (0, 0), 4)
    noise = np.random.default_rng(0)
    photos = [
        np.clip(still + noise.normal(0, 8, still.shape), 0, 255).astype(np.uint8) for _ in range(12)
    ]
    source = write_film(tmp_path / "a.mp4", photos, audio=None)

    def flicker(smoothing: float) -> float:
        convert_video(
            source, [masks(tmp_path / "mask.mp4")], model, make_matte, smoothing=smoothing
        )
        shown = np.stack([photo[..., 0] for photo in play(tmp_path / "mask.mp4").photos]) > 127
        return float((shown[1:] != shown[:-1]).mean())

    assert 0 < flicker(0.8) < 0.6 * flicker(0)


def test_a_turned_video_is_written_upright(
    red_walk: Any, write_film: Write, model: Model, play: Play, tmp_path: Path
) -> None:
    # As a phone does it: the sensor is on its side, and the file says so.
    lying = [np.ascontiguousarray(np.rot90(photo, -1)) for photo in red_walk.photos[:4]]
    source = write_film(tmp_path / "a.mov", lying, rotation=90)
    convert_video(source, [masks(tmp_path / "mask.mov")], model, make_matte)
    for photo, mask in zip(play(tmp_path / "mask.mov").photos, red_walk.masks, strict=False):
        assert dice(photo[..., 0] > 127, mask) > 0.95


ALPHA = [
    ("a.mov", "prores_ks", "yuva444p10le"),
    ("a.mov", "qtrle", "argb"),
    ("a.mov", "png", "rgba"),
    ("a.webm", "libvpx-vp9", "yuva420p"),
    ("a.webm", "libvpx", "yuva420p"),
    ("a.mkv", "libvpx-vp9", "yuva420p"),
]


@pytest.mark.parametrize(("name", "codec", "pixels"), ALPHA, ids=lambda text: str(text))
def test_what_the_transparency_of_a_video_hides_stays_hidden(
    name: str,
    codec: str,
    pixels: str,
    red_walk: Any,
    write_film: Write,
    model: Model,
    play: Play,
    tmp_path: Path,
) -> None:
    # The figure stands in the left half in the first pictures, and a second one in the right.
    own = np.zeros((96, 128), np.uint8)
    own[:, :64], own[:48, :64] = 255, 128
    photos = [np.dstack([photo | photo[:, ::-1], own]) for photo in red_walk.photos[:3]]
    source = write_film(tmp_path / "in" / name, photos, codec=codec, pixels=pixels, audio=None)
    cutout = plan_video_output(source, tmp_path / "cutout", render_cutout, transparent=True)
    green = plan_video_output(source, tmp_path / "green", render_background)
    convert_video(source, [cutout, green], model, make_matte, smoothing=0)
    decoder = "libvpx-vp9" if cutout.path.suffix == ".webm" else None
    truth = red_walk.masks[1] == 1
    alpha = play(cutout.path, decoder, "rgba").photos[1][..., 3]
    # Lossy codecs leave a little beside the border.
    assert (alpha[:, 68:] > 8).mean() < 0.01
    assert np.median(alpha[60:90][truth[60:90]]) > 245
    assert abs(np.median(alpha[:44][truth[:44]]) - 128) < 12
    wall = play(green.path).photos[1]
    assert np.abs(np.median(wall[:, 68:], axis=(0, 1)) - (0, 200, 0)).max() < 8


@pytest.mark.parametrize(
    ("transfer", "white", "gray"),
    # BT.2408: white at 75 % of HLG and at 58 % of PQ; sRGB's 128 is 44 cd/m² there.
    [(18, 0.75, 0.47), (16, 0.58, 0.43), (1, 1.0, 128 / 255)],
    ids=["HLG", "PQ", "SDR"],
)
def test_the_background_of_an_hdr_video_is_no_brighter_than_paper(
    transfer: int,
    white: float,
    gray: float,
    red_walk: Any,
    model: Model,
    play: Play,
    tmp_path: Path,
) -> None:
    source = tmp_path / "phone.mov"
    with av.open(str(source), "w") as file:
        stream: Any = file.add_stream("libx264", rate=30, options={"crf": "1"})
        stream.height, stream.width = red_walk.photos[0].shape[:2]
        context = stream.codec_context
        context.colorspace, context.color_primaries, context.color_trc = 9, 9, transfer
        for photo in red_walk.photos[:2]:
            frame = av.VideoFrame.from_ndarray(photo, "rgb24")
            file.mux(
                stream.encode(frame.reformat(format="yuv420p", dst_colorspace=9, dst_color_range=1))
            )
        file.mux(stream.encode(None))
    halves = np.full((96, 128, 3), 255, np.uint8)
    halves[:, 64:] = 128
    behind: list[Background] = [ImageBackground(halves), ColorBackground((255, 255, 255))]
    for background in behind:
        output = plan_video_output(tmp_path / "a.mov", tmp_path / "a", render_background)
        convert_video(
            source,
            [output],
            model,
            partial(matte_before, background),
        )
        photo = play(output.path).photos[1] / 255
        assert np.median(photo[:20, :20]) == pytest.approx(white, abs=0.02)
        if background is behind[0]:
            assert np.median(photo[:20, -20:]) == pytest.approx(gray, abs=0.02)


def test_the_model_sees_a_transparent_video_over_white(write_film: Write, tmp_path: Path) -> None:
    photo = np.full((64, 64, 4), (30, 160, 60, 255), np.uint8)
    photo[:, 32:, 3] = 0
    path = write_film(tmp_path / "a.mov", [photo], codec="png", pixels="rgba", audio=None)
    with VideoReader(path) as video:
        (frame,) = video
    assert isinstance(frame, Frame) and frame.rgba is not None
    np.testing.assert_array_equal(frame.rgba, photo)
    np.testing.assert_array_equal(frame.pixels[:, :32], photo[:, :32, :3])
    assert (frame.pixels[:, 32:] == 255).all()


def test_a_failure_on_the_way_leaves_nothing(source: Path, model: Model, tmp_path: Path) -> None:
    seen = 0

    def fail(made: Matte) -> NDArray[np.uint8]:
        nonlocal seen
        seen += 1
        if seen == 20:
            raise HumansegError("no more")
        return render_mask(made)

    output = plan_video_output(source, tmp_path / "a", fail)
    with pytest.raises(HumansegError, match="no more"):
        convert_video(source, [masks(tmp_path / "b.mp4"), output], model, make_matte)
    assert list(tmp_path.iterdir()) == []


def test_broken_pictures_that_are_left_out_are_counted(
    red_walk: Any, write_film: Write, model: Model, tmp_path: Path
) -> None:
    path = write_film(tmp_path / "a.mp4", red_walk.photos * 2)
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as file:
        packet = [packet for packet in file.demux(video=0) if packet.size][30]
        assert packet.pos is not None
        content[packet.pos : packet.pos + packet.size] = bytes(packet.size)
    path.write_bytes(content)
    result = convert_video(path, [masks(tmp_path / "b.mp4")], model, make_matte)
    assert (result.frames, result.notes) == (59, ("broken frames, left out: 1",))


def test_a_broken_video_leaves_nothing(source: Path, model: Model, tmp_path: Path) -> None:
    whole = bytearray(source.read_bytes())
    (tmp_path / "in").mkdir()
    half = tmp_path / "in" / "a.mp4"
    half.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(VideoError):
        convert_video(half, [masks(tmp_path / "out" / "a.mp4")], model, make_matte)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length(
    red_walk: Any, write_film: Write, model: Model, tmp_path: Path
) -> None:
    photos = [photo.repeat(2, 0).repeat(2, 1) for photo in red_walk.photos]
    source = write_film(tmp_path / "a.mp4", [*photos, *photos[::-1]] * 25)
    held: list[float] = []
    process = psutil.Process()
    convert_video(
        source,
        [masks(tmp_path / "mask.mp4")],
        model,
        make_matte,
        on_frame=lambda done, whole: held.append(process.memory_info().rss / 1e6),
    )
    assert len(held) == 1500
    # All pictures together would be 220 MB.
    assert max(held[300:]) < max(held[:300]) + 50
