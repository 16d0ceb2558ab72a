"""`humanseg predict` on videos: what is written, skipped, reported."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from humanseg.cli.main import main
from humanseg.inference.video.audio import AudioTrackWriter
from humanseg.inference.video.reading import VideoReader
from humanseg.inference.video.smoothing import DEFAULT_STRENGTH
from humanseg.inference.video.writing import VideoWriter
from humanseg.io.images import write_image
from humanseg.metrics.scores import dice

Write = Callable[..., Path]
Play = Callable[..., Any]


@pytest.fixture(scope="module")
def clip(red_walk: Any, write_film: Write, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("clip") / "clip.mp4", red_walk.photos[:8])


@pytest.fixture
def predict(red: Path, tmp_path: Path) -> Callable[..., int]:
    def run(*words: str | Path) -> int:
        return main(
            ["predict", *map(str, words), "--out", str(tmp_path / "out"), "--model", str(red)]
        )

    return run


def made(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_mask_with_the_sound_is_made_by_default(
    clip: Path,
    red_walk: Any,
    play: Play,
    predict: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert predict(clip) == 0
    assert made(tmp_path / "out") == {"clip_mask.mp4"}
    output = play(tmp_path / "out/clip_mask.mp4")
    for photo, mask in zip(output.photos, red_walk.masks, strict=False):
        assert dice(photo[..., 0] > 127, mask) > 0.9
    assert output.tone.size == play(clip).tone.size > 0
    assert "8 frames in" in capsys.readouterr().out


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core is all that there is")
def test_codecs_use_no_more_cores_than_they_may(
    clip: Path, predict: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []

    class Writer(VideoWriter):
        def __exit__(self, *error: Any) -> None:
            counts.append(self._video.codec_context.thread_count)
            super().__exit__(*error)

    class Reader(VideoReader):
        def __exit__(self, *error: object) -> None:
            counts.append(self._decoder.thread_count)
            super().__exit__(*error)

    monkeypatch.setattr("humanseg.inference.video.convert.VideoWriter", Writer)
    monkeypatch.setattr("humanseg.inference.video.convert.VideoReader", Reader)
    assert predict(clip, "--save", "mask,cutout", "--threads", "1") == 0
    assert counts == [1, 1, 1]


def test_a_result_takes_the_name_that_is_given_however_its_suffix_is_written(
    clip: Path, red: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["predict", str(clip), "--model", str(red), "--out", str(tmp_path / "Result.MP4")]
    assert main(words) == 0
    assert main([*words, "--save", "cutout", "--overwrite"]) == 1
    assert "cannot be kept in Result.MP4; Result.webm can hold it" in capsys.readouterr().out
    assert made(tmp_path) == {"Result.MP4"}


def test_another_background_is_put_behind(
    clip: Path, red_walk: Any, play: Play, predict: Callable[..., int], tmp_path: Path
) -> None:
    assert predict(clip, "--background", "rgb(0,0,200)", "--smooth", "0") == 0
    assert made(tmp_path / "out") == {"clip_background.mp4"}
    for photo, mask in zip(
        play(tmp_path / "out/clip_background.mp4").photos, red_walk.masks, strict=False
    ):
        assert np.abs(np.median(photo[mask == 0], axis=0) - (0, 0, 200)).max() < 8
        assert np.median(photo[mask == 1], axis=0)[0] > 200


def test_all_kinds_come_in_containers_that_hold_them(
    red_walk: Any, write_film: Write, play: Play, predict: Callable[..., int], tmp_path: Path
) -> None:
    for name in ("a.mov", "b.webm"):
        write_film(tmp_path / "in" / name, red_walk.photos[:3])
    kinds = "mask,cutout,overlay,soft"
    assert predict(tmp_path / "in", "--save", kinds, "--background", "blur:20") == 0
    wanted = {
        f"{kind}{suffix}" for kind in (*kinds.split(","), "background") for suffix in (".mov",)
    }
    assert made(tmp_path / "out") == {f"a_{each}" for each in wanted} | {
        f"b_{each.replace('.mov', '.webm')}" for each in wanted
    }
    for path in (tmp_path / "out").iterdir():
        output = play(path)
        assert len(output.photos) == 3 and output.tone.size > 0


def test_what_is_there_is_left_unless_it_was_made_otherwise(
    clip: Path, predict: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = tmp_path / "out" / "clip_background.mp4"
    there.parent.mkdir()
    there.touch()
    assert predict(clip, "--background", "red") == 1
    assert there.stat().st_size == 0
    assert "does not say what it was made from" in capsys.readouterr().out
    assert predict(clip, "--background", "red", "--overwrite") == 0
    first = there.stat().st_mtime_ns
    capsys.readouterr()
    assert predict(clip, "--background", "red") == 0
    assert "1 video was there already" in capsys.readouterr().out
    assert there.stat().st_mtime_ns == first
    for words in (["blue"], ["blue", "--temporal-smoothing", "0.5"], ["blue", "--smooth", "0"]):
        assert predict(clip, "--background", *words) == 0
        assert "again (last made with other options)" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["a.mp4", "b.mov", "c.webm"])
def test_every_container_says_what_it_was_made_from(
    red_walk: Any, write_film: Write, predict: Callable[..., int], tmp_path: Path, name: str
) -> None:
    write_film(tmp_path / name, red_walk.photos[:2])
    kinds = ["--save", "mask,cutout"]
    assert predict(tmp_path / name, *kinds) == 0
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    assert predict(tmp_path / name, *kinds) == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} == times
    # Among the videos they are results, not videos.
    for path in times:
        shutil.copy(path, tmp_path)
    assert predict(tmp_path, *kinds) == 0
    assert made(tmp_path / "out") == {path.name for path in times}


def test_a_broken_one_is_listed_and_the_others_are_done(
    clip: Path, predict: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in/deep").mkdir(parents=True)
    content = clip.read_bytes()
    (tmp_path / "in/cut.mp4").write_bytes(content[: len(content) // 2])
    (tmp_path / "in/empty.webm").touch()
    shutil.copy(clip, tmp_path / "in/deep/clip.mp4")
    assert predict(tmp_path / "in") == 1
    assert made(tmp_path / "out") == {"deep/clip_mask.mp4"}
    shown = capsys.readouterr()
    assert "cut.mp4 is not a video, or is cut off or broken" in shown.out
    assert "empty.webm is an empty file" in shown.out
    assert shown.err == ""


def test_a_photo_and_a_video_of_one_name_go_together(
    clip: Path, red_walk: Any, predict: Callable[..., int], tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    shutil.copy(clip, tmp_path / "in/IMG_1.MP4")
    write_image(tmp_path / "in/IMG_1.jpg", red_walk.photos[0])
    assert predict(tmp_path / "in") == 0
    assert made(tmp_path / "out") == {"IMG_1_mask.mp4", "IMG_1_mask.png"}


@pytest.mark.parametrize("strength", ["1", "-0.1", "much"])
def test_an_impossible_strength_is_refused(
    clip: Path, predict: Callable[..., int], strength: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        predict(clip, "--smooth", strength)
    assert caught.value.code == 2
    assert "from 0 to below 1" in capsys.readouterr().err


def test_the_help_names_the_default_strength(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["predict", "--help"])
    assert f"default {DEFAULT_STRENGTH}" in " ".join(capsys.readouterr().out.split())


def test_a_film_that_cannot_be_written_is_named_and_the_next_is_made(
    clip: Path,
    predict: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a 😀.mp4", "b.mp4"):
        shutil.copy(clip, tmp_path / "in" / name)
    mux, seen = AudioTrackWriter.write, []

    def refuse(self: AudioTrackWriter, audio: Any) -> None:
        seen.append(audio)
        if len(seen) == 3:
            raise av.error.ArgumentError(22, "Invalid argument")
        mux(self, audio)

    monkeypatch.setattr(AudioTrackWriter, "write", refuse)
    assert predict(tmp_path / "in") == 1
    assert made(tmp_path / "out") == {"b_mask.mp4"}
    shown = capsys.readouterr()
    assert "a 😀_mask.mp4 cannot be made: mp4 does not take" in shown.out
    assert "partial" not in shown.out + shown.err


def test_what_is_not_as_it_was_is_said(
    red_walk: Any,
    write_film: Write,
    predict: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = write_film(tmp_path / "a.mp4", red_walk.photos[:3], audio="ac3", layout="4.0")
    assert predict(source, "--save", "cutout") == 0
    assert "  a_cutout.webm: sound of 4.0 is mixed to stereo\n" in capsys.readouterr().out


def test_a_name_like_an_address_is_a_file_and_nothing_else(
    clip: Path,
    predict: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        for name in ("http:a.mp4", "concat:a|b.mp4", "pipe:0.mp4", "%d.mp4"):
            shutil.copy(clip, name)
    except OSError:
        pytest.skip("this file system has no such names")
    assert predict("http:a.mp4", "concat:a|b.mp4", "pipe:0.mp4", "%d.mp4") == 0
    assert made(tmp_path / "out") == {
        "http:a_mask.mp4",
        "concat:a|b_mask.mp4",
        "pipe:0_mask.mp4",
        "%d_mask.mp4",
    }
    # What is there is read again, too.
    assert predict("http:a.mp4") == 0


def test_sound_that_cannot_be_decoded_at_all_is_said(
    red_walk: Any,
    write_film: Write,
    predict: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = write_film(tmp_path / "a.mp4", red_walk.photos[:5], audio="ac3", layout="stereo")
    content = bytearray(source.read_bytes())
    with av.open(str(source)) as file:
        for packet in file.demux(audio=0):
            if packet.size and packet.pos is not None:
                content[packet.pos : packet.pos + packet.size] = bytes(packet.size)
    source.write_bytes(content)
    assert predict(source, "--save", "cutout") == 0
    assert "a_cutout.webm: its sound cannot be decoded" in capsys.readouterr().out


def test_speakers_in_an_order_of_their_own_end_nothing(
    red_walk: Any,
    write_film: Write,
    play: Play,
    red: Path,
    command_line: Callable[..., Any],
    tmp_path: Path,
) -> None:
    # In QuickTime's words: the middle one first, then left and right.
    write_film(tmp_path / "a.mov", red_walk.photos, audio="pcm_s16le", layout="3.0")
    content = (tmp_path / "a.mov").read_bytes()
    stem = content.index(b"chan") + 8
    assert content[stem : stem + 4] == (113 << 16 | 3).to_bytes(4, "big")
    changed = content[:stem] + (114 << 16 | 3).to_bytes(4, "big") + content[stem + 4 :]
    # An mp4 by its name, so that its cut-out is a WebM and the sound has to be encoded.
    (tmp_path / "a.mov").rename(tmp_path / "a.mp4").write_bytes(changed)
    shutil.copy(tmp_path / "a.mp4", tmp_path / "b.mp4")
    # In a process of its own: what is feared is the end of the process.
    words = ["predict", "a.mp4", "b.mp4", "-o", "out", "--model", red, "--save", "cutout"]
    done = command_line(*words, cwd=tmp_path)
    assert (done.rc, made(tmp_path / "out")) == (0, {"a_cutout.webm", "b_cutout.webm"}), done.stderr
    assert play(tmp_path / "out/b_cutout.webm").tone.size / 48000 == pytest.approx(1, abs=0.1)
