"""Photos of every kind and name, from words, folders, lists and standard input."""

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from humanseg.cli.main import main
from humanseg.io.images import read_photo, write_image
from tests.cli.predict.conftest import files, photo


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
    ("words", "expected"),
    [
        ([LONG], "There is no aaa"),
        (["a.png", "--background", LONG], "--background aaa"),
        (["a.png", "--model", LONG], "There is no model aaa"),
        (["a.png", "--out", LONG], "Cannot write aaa"),
        (["a.png", "--out", f"{LONG}.png"], "Cannot write aaa"),
    ],
)
def test_a_name_that_is_too_long_for_the_disk_is_one_sentence(
    words: list[str], expected: str, predict: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    write_image(Path("a.png"), photo())
    given = [word for word in ("--out", "--model") if word in words]
    assert (main(["predict", *words]) if given else predict(*words)) in (1, 2)
    shown = capsys.readouterr()
    assert expected in shown.err + shown.out


def test_a_list_that_holds_such_a_name_gives_the_others(
    predict: Callable[..., int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_image(Path("a.png"), photo())
    listed = io.TextIOWrapper(io.BytesIO(f"{LONG}\na.png\n".encode()))
    monkeypatch.setattr(sys, "stdin", listed)
    assert predict("-") == 1
    assert files() == ["a_mask.png"]
    assert f"Cannot read {LONG}: File name too long" in capsys.readouterr().out


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


def test_an_address_is_called_one_by_name_and_in_a_list(
    bare: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_image(Path("a.png"), photo())
    expected = "https://example.org/a.jpg is an address"
    assert bare("a.png", "https://example.org/a.jpg", "-o", "out") == 2
    assert expected in capsys.readouterr().err
    stdin(monkeypatch, b"a.png\nhttps://example.org/a.jpg\n")
    assert bare("-", "-o", "out") == 1
    assert expected in capsys.readouterr().out
    assert files() == ["a_mask.png"]


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


def test_what_a_folder_holds_besides_is_counted(
    predict: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    write_image(Path("in/a.png"), photo())
    for name in ("b.nef", "c.nef", "notes"):
        Path("in", name).touch()
    assert predict("in") == 0
    assert "3 files of other kinds left out: .nef 2, no suffix 1\n" in capsys.readouterr().out
