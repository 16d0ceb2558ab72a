"""`humanseg predict`, from the words of a person to the files."""

import errno
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from PIL import Image

from humanseg.cli.main import main
from humanseg.io.files import explain_os_error
from humanseg.io.images import read_photo, write_image
from tests.inference.conftest import red_model


@pytest.fixture(scope="module")
def red(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "red.onnx"
    onnx.save(red_model(), path)
    return path


@pytest.fixture
def predict(red: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run the command with a model that takes red for person, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> int:
        return main(["predict", *words, "--out", "out", "--model", str(red), "--threads", "2"])

    return run


def photo(size: tuple[int, int] = (24, 36)) -> NDArray[np.uint8]:
    pixels = np.full((*size, 3), (20, 90, 200), np.uint8)
    pixels[:, size[1] // 2 :] = (240, 60, 30)
    return pixels


def files(folder: str = "out") -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file()
    )


def test_nothing_is_said_of_what_another_library_warns_of(
    predict: Callable[..., int], recwarn: pytest.WarningsRecorder
) -> None:
    write_image(Path("phone.jpg"), photo())
    content = Path("phone.jpg").read_bytes()
    # Some phones write an index of pictures that Pillow cannot read, and the picture all the same.
    index = b"MPF\0II*\0\xff\xff\xff\x7f"
    segment = b"\xff\xe2" + (len(index) + 2).to_bytes(2, "big") + index
    Path("phone.jpg").write_bytes(content[:2] + segment + content[2:])
    assert predict("phone.jpg") == 0
    assert files() == ["phone_mask.png"]
    assert [str(warning.message) for warning in recwarn] == []


LONG = "a" * 300


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([LONG], "There is no aaa"),
        (["a.png", "--background", LONG], "--background aaa"),
        (["a.png", "--model", LONG], "There is no model aaa"),
        (["a.png", "--out", LONG], "Cannot write aaa"),
        (["a.png", "--out", f"{LONG}.png"], "Cannot write aaa"),
    ],
)
def test_a_name_that_is_too_long_for_the_disk_is_one_sentence(
    words: list[str], said: str, predict: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    write_image(Path("a.png"), photo())
    given = [word for word in ("--out", "--model") if word in words]
    assert (main(["predict", *words]) if given else predict(*words)) in (1, 2)
    shown = capsys.readouterr()
    assert said in shown.err + shown.out


def test_a_list_that_holds_such_a_name_gives_the_others(
    predict: Callable[..., int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_image(Path("a.png"), photo())
    listed = io.TextIOWrapper(io.BytesIO(f"{LONG}\na.png\n".encode()))
    monkeypatch.setattr(sys, "stdin", listed)
    assert predict("-") == 1
    assert files() == ["a_mask.png"]
    assert f"Cannot read {LONG}: File name too long" in capsys.readouterr().out


def test_a_folder_becomes_a_folder_of_masks(
    predict: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    write_image(Path("in/a.png"), photo())
    write_image(Path("in/deep/b.png"), photo((40, 50)))
    assert predict("in") == 0
    assert files() == ["a_mask.png", "deep/b_mask.png"]
    with Image.open("out/deep/b_mask.png") as mask:
        assert mask.mode == "L"
        np.testing.assert_array_equal(np.array(mask) == 255, photo((40, 50))[..., 0] > 127)
    shown = capsys.readouterr().out
    assert shown.startswith("2 photos done in ") and shown.endswith(" photos per second): out\n")


def test_all_kinds_and_a_background_at_once(predict: Callable[..., int]) -> None:
    write_image(Path("a.png"), photo())
    assert (
        predict("a.png", "--save", "mask, cutouts,overlay,probabilitys", "--background", "lime")
        == 0
    )
    kinds = ["background.jpg", "cutout.png", "mask.png", "overlay.jpg", "probability.png"]
    assert files() == [f"a_{kind}" for kind in kinds]
    left = read_photo(Path("out/a_background.jpg"))[:, :16]
    assert np.abs(left.astype(int) - (0, 255, 0)).mean() < 8


def test_a_background_alone_leaves_no_mask(predict: Callable[..., int]) -> None:
    write_image(Path("a.png"), photo())
    assert predict("a.png", "--background", "blur:15") == 0
    assert files() == ["a_background.jpg"]


def save(name: str, image: Image.Image, **options: object) -> None:
    image.save(name, **options)  # type: ignore[arg-type]


def test_photos_of_every_kind_are_read_as_a_person_sees_them(predict: Callable[..., int]) -> None:
    colours = Image.fromarray(photo())
    light = np.where(photo()[..., 0] > 127, 60000, 3000).astype(np.uint16)
    exif = Image.Exif()
    exif[0x0112] = 6
    save("deep.png", Image.fromarray(light))
    save("grey.jpg", colours.getchannel("R"), quality=95)
    save("print.jpg", colours.convert("CMYK"), quality=95)
    save("palette.png", colours.quantize(4))
    save("alpha.webp", Image.merge("RGBA", (*colours.split(), Image.new("L", (36, 24), 255))))
    save("turned.jpg", colours.transpose(Image.Transpose.ROTATE_90), exif=exif, quality=95)
    save("pages.tif", colours)
    names = ["deep.png", "grey.jpg", "print.jpg", "palette.png", "alpha.webp", "turned.jpg"]
    assert predict(*names, "pages.tif") == 0
    for name in (*names, "pages.tif"):
        mask = read_photo(Path("out") / f"{Path(name).stem}_mask.png")[..., 0] > 127
        wanted = photo()[..., 0] > 127
        assert mask.shape == wanted.shape, name
        assert (mask != wanted).mean() < 0.03, name


@pytest.mark.slow
def test_a_photo_of_fifty_megapixels(predict: Callable[..., int]) -> None:
    write_image(Path("huge.jpg"), photo((5760, 8640)))
    assert predict("huge.jpg", "--save", "mask,cutout") == 0
    mask = read_photo(Path("out/huge_mask.png"))[..., 0] > 127
    assert (mask != (photo((5760, 8640))[..., 0] > 127)).mean() < 1e-3


def test_broken_photos_are_listed_and_the_rest_goes_on(
    predict: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    write_image(Path("in/a.png"), photo())
    Path("in/b.jpg").write_text("no photo")
    Path("in/c.webp").touch()
    assert predict("in") == 1
    assert files() == ["a_mask.png"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("1 photo done") and "2 could not be used, see below" in lines[0]
    assert sorted(line.split()[0] for line in lines[1:]) == ["in/b.jpg", "in/c.webp"]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii"])
def test_names_that_cannot_be_printed_are_spelled_out(
    predict: Callable[..., int], monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    names = [b"latin \xe4.jpg", "写真 😀.jpg".encode(), b"\x1b[31mred.jpg", b"new\nline.jpg"]
    Path("in").mkdir()
    for name in names:
        Path("in", os.fsdecode(name)).write_text("no photo")
    write_image(Path("in/ü.png"), photo())
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding, errors="strict") for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    assert predict("in") == 1
    out.flush()
    shown = out.buffer.getvalue().decode(encoding)
    assert files() == ["ü_mask.png"]
    assert shown.count("is not an image") == 4 and len(shown.splitlines()) == 5
    for part in (r"latin \xe4.jpg", r"\x1b[31mred.jpg", r"new\nline.jpg"):
        assert part in shown
    assert ("写真 😀.jpg" in shown) == (encoding == "utf-8")


def test_what_is_there_is_left_alone(
    predict: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        write_image(Path(f"in/{name}.png"), photo())
    Path("out").mkdir()
    Path("out/a_mask.png").write_text("mine")
    assert predict("in") == 1
    shown = capsys.readouterr().out
    assert "1 photo done" in shown and "does not say what it was made from" in shown
    assert Path("out/a_mask.png").read_text() == "mine"
    assert predict("in", "--overwrite") == 0
    assert read_photo(Path("out/a_mask.png")).shape == (24, 36, 3)
    capsys.readouterr()
    assert predict("in") == 0
    assert capsys.readouterr().out == (
        "2 photos were there already (--overwrite makes them again): out\n"
    )


def test_a_result_is_what_was_asked_for_or_the_command_says_why_not(
    predict: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    for folder, size in (("c1", (20, 30)), ("c2", (24, 36))):
        write_image(Path(folder, "IMG_1.png"), photo(size))

    def said(*words: str) -> tuple[int, str]:
        return predict(*words), capsys.readouterr().out

    assert said("c1/IMG_1.png", "--background", "red")[0] == 0
    code, shown = said("c1/IMG_1.png", "--background", "blue")
    assert code == 0 and "again (last made with other options): out/IMG_1_background.jpg" in shown
    assert read_photo(Path("out/IMG_1_background.jpg"))[0, 0, 2] > 240
    code, shown = said("c2/IMG_1.png", "--background", "blue")
    assert code == 1 and "made from another photo" in shown
    assert read_photo(Path("out/IMG_1_background.jpg")).shape[0] == 20
    # Both by one command have a folder each.
    assert said("c1/IMG_1.png", "c2/IMG_1.png")[0] == 0
    assert {"c1/IMG_1_mask.png", "c2/IMG_1_mask.png"} < set(files())


@pytest.mark.parametrize("end", ["\n", "\r\n", "\0"])
def test_a_list_comes_from_standard_input(
    predict: Callable[..., int], monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    for name in ("a b", "ä"):
        write_image(Path(f"in/{name}.png"), photo())
    listed = io.BytesIO(f"in/a b.png{end}in/ä.png{end}".encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(listed))
    assert predict("-") == 0
    assert files() == ["a b_mask.png", "ä_mask.png"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "There is no nowhere"),
        (["in", "--background", "whit"], "neither a colour"),
        (["in", "--background", "Transparent"], "--save cutout"),
        (["in", "-o", "all.png"], "-o all.png is one file, and there are 2 photos"),
        (["in/a.png", "-o", "a.png", "--save", "mask,overlay"], "2 kinds of results (mask, over"),
        (["in/a.png", "-o", "a.gif"], "choose one of the formats jpg, jpeg, png"),
        (["in/a.png", "-o", "a.jpg", "--save", "cutout"], "jpg holds no transparency"),
        (["in/a.png", "--save", "mask", "cutout"], "Kinds of results are written --save a,cutout"),
        (["in/a.png", "mask"], "Kinds of results are written --save a,mask"),
        (["in", "--model", "none.onnx"], "There is no model none.onnx"),
        (["in", "--model", "in/a.png"], "is not an ONNX file"),
    ],
)
def test_mistakes_are_said_before_anything_is_written(
    red: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_image(Path("in/a.png"), photo())
    write_image(Path("in/deep/a.jpg"), photo())
    out = () if "-o" in words else ("--out", "out")
    assert main(["predict", "--model", str(red), *words, *out]) == 2
    shown = capsys.readouterr()
    assert message in shown.err and shown.err.count("\n") == 1 and not shown.out
    assert os.listdir() == ["in"]


@pytest.mark.parametrize(
    "words",
    [
        ["--save", "hair"],
        ["--save", ""],
        ["--threads", "0"],
        ["--threads", "two"],
        ["--threshold", "1"],
        ["--min-area", "5"],
    ],
    ids="".join,
)
def test_wrong_options_are_refused(predict: Callable[..., int], words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        predict("a.png", *words)
    assert caught.value.code == 2


def test_more_threads_than_cores_are_not_started(
    red: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range((os.cpu_count() or 1) + 1):
        write_image(Path(f"in/{number}.png"), photo())
    started: list[int] = []

    def predict_photos(plan: Any, photos: Any, workers: int) -> list[Any]:
        started.append(workers)
        return []

    monkeypatch.setattr("humanseg.inference.batch.process.predict_photos", predict_photos)
    main(["predict", "in", "--model", str(red), "--threads", "10000"])
    assert started[0] <= (os.cpu_count() or 1)


@pytest.mark.parametrize("out", ["", "  "])
def test_an_output_that_is_empty_is_not_the_working_folder(
    bare: Callable[..., int], capsys: pytest.CaptureFixture[str], out: str
) -> None:
    write_image(Path("a.png"), photo())
    assert bare("a.png", "-o", out) == 2
    assert "-o is empty" in capsys.readouterr().err
    assert os.listdir() == ["a.png"]


def test_an_address_is_called_one_by_name_and_in_a_list(
    bare: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_image(Path("a.png"), photo())
    said = "https://example.org/a.jpg is an address"
    assert bare("a.png", "https://example.org/a.jpg", "-o", "out") == 2
    assert said in capsys.readouterr().err
    stdin(monkeypatch, b"a.png\nhttps://example.org/a.jpg\n")
    assert bare("-", "-o", "out") == 1
    assert said in capsys.readouterr().out
    assert files() == ["a_mask.png"]


def test_a_kind_that_is_misspelled_is_guessed(
    predict: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        predict("a.png", "--save", "mask,cutuot")
    assert "did you mean cutout?" in capsys.readouterr().err


def test_former_names_go_on_working_and_name_the_new(
    predict: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    write_image(Path("a.png"), photo())
    assert predict("a.png", "--save", "soft", "--smooth", "0.5") == 0
    assert files() == ["a_soft.png"]
    said = capsys.readouterr().err
    assert "--save soft is called --save probability" in said
    assert "--smooth is called --temporal-smoothing" in said


@pytest.mark.parametrize(("name", "is_bundled"), [(".", False), ("tiny", True)])
def test_a_note_names_a_file_that_has_the_name_of_a_bundled_model(
    red: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    is_bundled: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_image(Path("a.jpg"), photo())
    Path(name).mkdir(exist_ok=True)
    Path(name, "model.onnx").write_bytes(red.read_bytes())
    assert main(["predict", "a.jpg", "--model", name]) == 0
    assert (f"note: {name} is the file or folder" in capsys.readouterr().err) == is_bundled


@pytest.fixture
def bare(red: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run the command without an output folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: main(["predict", *words, "--model", str(red), "--threads", "1"])


def test_without_a_folder_results_go_to_one_that_is_named(
    bare: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    write_image(Path("a.png"), photo())
    assert bare("a.png") == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Results go to predictions/; -o names another folder")
    assert shown.endswith(": predictions/a_mask.png\n")
    # Neither they nor what is there is taken for a photo.
    assert bare(".") == 0
    assert files("predictions") == ["a_mask.png"]


@pytest.mark.parametrize(
    ("name", "kind", "mode"),
    [("m.png", "mask", "L"), ("m.JPG", "overlay", "RGB"), ("sub/c.webp", "cutout", "RGBA")],
)
def test_one_result_goes_to_the_file_that_is_named(
    bare: Callable[..., int], name: str, kind: str, mode: str
) -> None:
    write_image(Path("in/a.png"), photo())
    for _ in range(2):
        assert bare("in", "-o", name, "--save", kind) == 0
    with Image.open(name) as image:
        assert image.mode == mode or name.endswith(".JPG")
    assert files(".") == sorted(["in/a.png", name])


def test_photos_may_stand_anywhere_between_the_options(bare: Callable[..., int]) -> None:
    for name in ("a.png", "b.png"):
        write_image(Path(name), photo())
    assert bare("--save", "mask", "a.png", "-o", "out", "b.png") == 0
    assert files() == ["a_mask.png", "b_mask.png"]


def stdin(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_a_photo_comes_on_standard_input_and_its_result_goes_to_standard_output(
    bare: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    write_image(Path("a.png"), photo())
    content = Path("a.png").read_bytes()
    stdin(monkeypatch, content)
    assert bare("-", "-o", "-", "--save", "cutout") == 0
    shown = capfdbinary.readouterr()
    with Image.open(io.BytesIO(shown.out)) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGBA", (36, 24))
    assert b"1 photo done" in shown.err
    assert os.listdir() == ["a.png"]
    stdin(monkeypatch, content)
    assert bare("-") == 0 and files("predictions") == ["stdin_mask.png"]
    stdin(monkeypatch, content[:-30])
    assert bare("-", "-o", "broken") == 1
    assert b"the picture on standard input is cut off" in capfdbinary.readouterr().out


@pytest.mark.parametrize("content", [None, b"", b"\n\n", b"\0\1\2\3"])
def test_nothing_usable_on_standard_input_is_one_sentence(
    bare: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: bytes | None,
) -> None:
    if content is None:
        monkeypatch.setattr(sys, "stdin", None)
    else:
        stdin(monkeypatch, content)
    assert bare("-") == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_photos_without_people_are_named(
    predict: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(7):
        write_image(Path(f"in/{number}.png"), np.zeros((9, 9, 3), np.uint8))
    write_image(Path("in/someone.png"), photo())
    for _ in range(2):
        assert predict("in") == 0
        (line,) = (line for line in capsys.readouterr().out.splitlines() if "no person" in line)
        assert line.startswith("no person found in 7 photos: in/") and line.endswith("and 2 more")


def test_what_a_folder_holds_besides_is_counted(
    predict: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    write_image(Path("in/a.png"), photo())
    for name in ("b.nef", "c.nef", "notes"):
        Path("in", name).touch()
    assert predict("in") == 0
    assert "3 files of other kinds left out: .nef 2, no suffix 1\n" in capsys.readouterr().out


def test_many_failures_are_some_lines_and_a_file_with_all(
    predict: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("in").mkdir()
    for number in range(30):
        Path(f"in/{number}.jpg").write_text("no photo")
    assert predict("in") == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 12 and lines[-1].endswith("20 more: out/failures.txt names all of them")
    rows = Path("out/failures.txt").read_text().splitlines()[1:]
    assert {row.split("\t")[0] for row in rows} == {f"in/{number}.jpg" for number in range(30)}
    assert all("is not an image" in row for row in rows)
    for number in range(30):
        write_image(Path(f"in/{number}.png"), photo((4, 6)))
        Path(f"in/{number}.jpg").unlink()
    assert predict("in") == 0
    assert not Path("out/failures.txt").exists()


def test_a_file_of_a_person_that_is_called_failures_is_left_alone(
    predict: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("in", "out"):
        Path(folder).mkdir()
    Path("out/failures.txt").write_text("mine")
    for number in range(30):
        Path(f"in/{number}.jpg").write_text("no photo")
    assert predict("in") == 1
    assert capsys.readouterr().out.count("is not an image") == 30
    assert Path("out/failures.txt").read_text() == "mine"


def test_ctrl_c_leaves_whole_files_and_says_how_to_go_on(red: Path, tmp_path: Path) -> None:
    # So many that the signal comes before the end, however busy the machine is.
    write_image(tmp_path / "in" / "0.png", photo((300, 400)))
    for number in range(1, 3000):
        (tmp_path / "in" / f"{number}.png").hardlink_to(tmp_path / "in" / "0.png")
    words = ["predict", "in", "--out", "out", "--model", str(red), "--save", "mask,cutout"]
    process = subprocess.Popen(
        [sys.executable, "-m", "humanseg", *words],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
    )
    end = time.monotonic() + 120
    while not list((tmp_path / "out").glob("*.png")):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "of 3000 photos are done. The same command continues with the others." in said
    assert "Traceback" not in said
    written = list((tmp_path / "out").iterdir())
    assert 0 < len(written) < 6000
    for path in written:
        assert path.suffix == ".png" and path.name[0] != "."
        read_photo(path)


def test_what_was_used_in_part_is_counted(
    predict: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = [Image.new("RGB", (8, 6), colour) for colour in ("red", "blue")]
    for number in range(4):
        frames[0].save(
            tmp_path / f"in-{number}.gif", save_all=True, append_images=frames[1:], duration=50
        )
    frames[0].save(tmp_path / "plain.png")
    assert predict(*(path.name for path in sorted(tmp_path.glob("*.*")))) == 0
    said = capsys.readouterr().out
    assert "4 animations: only the first frame that shows anything was used (in-0.gif" in said
    assert "plain.png" not in said


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tif"])
def test_a_cut_out_of_a_cut_out_is_no_less_transparent(
    predict: Callable[..., int], tmp_path: Path, name: str
) -> None:
    pixels = np.zeros((20, 30, 4), np.uint8)
    pixels[..., :3] = (250, 80, 10)
    pixels[5:15, 10:20, 3] = 255
    pixels[5:15, 9, 3] = 200
    Image.fromarray(pixels).save(tmp_path / name, lossless=True, exact=True)
    assert predict(name, "--save", "cutout,mask,overlay", "--background", "blue") == 0
    with Image.open("out/a_cutout.png") as image:
        cutout = np.array(image)
    seen = pixels[..., 3] > 0
    assert np.abs(cutout[..., 3].astype(int) - pixels[..., 3]).max() <= 1
    assert np.abs(cutout[seen][:, :3].astype(int) - (250, 80, 10)).max() <= 2
    mask = read_photo(Path("out/a_mask.png"))[..., 0] > 0
    np.testing.assert_array_equal(mask, pixels[..., 3] > 0)
    behind = read_photo(Path("out/a_background.jpg"))[0, 0].astype(int)
    assert np.abs(behind - (0, 0, 255)).max() <= 6


def test_a_full_disk_stops_all_and_says_what_is_done_and_what_failed(
    predict: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("in").mkdir()
    Path("in/0.png").write_text("no photo")
    for number in range(1, 40):
        write_image(Path(f"in/{number}.png"), photo())

    def write(path: Path, *words: Any, **options: Any) -> None:
        if path.name == "30_mask.png":
            error = OSError(errno.ENOSPC, "No space left")
            raise explain_os_error(error, path) from error
        write_image(path, *words, **options)

    monkeypatch.setattr("humanseg.inference.batch.process.write_image", write)
    assert predict("in") == 2
    shown = capsys.readouterr()
    assert "in/0.png is not an image" in shown.out
    assert "of 40 photos are done. The same command continues with the others.\n" in shown.err
    assert "30_mask.png: the disk is full" in shown.err
