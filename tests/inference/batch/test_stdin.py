"""What comes through a pipe is told apart: lists in any spelling, pictures, films."""

import codecs
import io
import os
from pathlib import Path

import pytest
from PIL import Image

from humanseg.errors import HumansegError
from humanseg.inference.batch.stdin import listed_paths, media_suffix


@pytest.mark.parametrize(
    "content",
    [
        "a b.jpg\nü/写.png\n".encode(),
        "a b.jpg\r\nü/写.png\r\n".encode(),
        "a b.jpg\n\n  \nü/写.png\n \t\r\n".encode(),
        "a b.jpg\0ü/写.png\0".encode(),
        codecs.BOM_UTF8 + "a b.jpg\nü/写.png".encode(),
        codecs.BOM_UTF16_LE + "a b.jpg\r\nü/写.png\r\n".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "a b.jpg\nü/写.png\n".encode("utf-16-be"),
    ],
)
def test_a_list_is_read_however_it_is_written(content: bytes) -> None:
    assert listed_paths(content) == ["a b.jpg", "ü/写.png"]
    assert media_suffix(content) is None


def test_utf16_without_its_mark_is_recognised() -> None:
    assert listed_paths("a.jpg\nb.jpg".encode("utf-16-le")) == ["a.jpg", "b.jpg"]


def test_a_name_that_is_no_text_is_kept() -> None:
    assert listed_paths(b"latin \xe4.jpg\n") == [os.fsdecode(b"latin \xe4.jpg")]


@pytest.mark.parametrize("content", [bytes(range(256)) * 4, b"\0\1\2\3", b"PK\3\4" + bytes(99)])
def test_rubbish_is_one_sentence(content: bytes) -> None:
    assert media_suffix(content) is None
    with pytest.raises(HumansegError, match="neither a picture nor a list"):
        listed_paths(content)


def test_rubbish_that_names_a_file_by_chance_is_rubbish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").touch()
    with pytest.raises(HumansegError, match="neither a picture nor a list"):
        listed_paths(b"\1\2\0x\0\3\4\0" + b"\5" * 300)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".gif", ".tif", ".bmp", ".avif"])
def test_pictures_are_recognised(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    Image.new("RGB", (16, 16)).save(path)
    assert media_suffix(path.read_bytes()) == suffix


@pytest.mark.parametrize(
    ("start", "suffix"),
    [
        (b"\0\0\0\x20ftypisom", ".mp4"),
        (b"\0\0\0\x14ftypqt  ", ".mov"),
        (b"\0\0\0\x18ftypheic", ".heic"),
        (b"\x1aE\xdf\xa3\x01\0\0\0\0\0\0\x1fB\x86\x81\x01matroska", ".mkv"),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\x82\x84webm", ".webm"),
        (b"RIFF\0\0\0\0AVI LIST", ".avi"),
        (b"8BPS\0\1", ".psd"),
        (b"OggS\0\2", ".ogv"),
        (b"FLV\1\5", ".flv"),
        (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), ".wmv"),
        (b"\0\0\1\xbaD", ".mpg"),
        (b"\x06\x0e+4\2\5\1\1", ".mxf"),
        ((b"G" + bytes(187)) * 4, ".ts"),
        ((b"\0\0\0\0G" + bytes(187)) * 4, ".m2ts"),
    ],
)
def test_films_and_what_cannot_be_read_are_recognised(start: bytes, suffix: str) -> None:
    assert media_suffix(start + bytes(100)) == suffix


def test_a_ppm_is_a_picture_and_a_name_that_begins_like_one_is_not() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "PPM")
    assert media_suffix(buffer.getvalue()) == ".ppm"
    assert media_suffix(b"P6 of May.jpg\nBM.jpg\n") is None


@pytest.mark.parametrize("end", ["\n", "\0"])
@pytest.mark.parametrize(
    "name", ["./IMG_{:04}.HEIC", "Grandma's birthday/2024-05-17 at noon/{:04}.jpg"]
)
def test_names_of_one_length_are_a_list_and_no_packets(name: str, end: str) -> None:
    names = [name.format(number) for number in range(40)]
    content = "".join(f"{name}{end}" for name in names).encode()
    assert media_suffix(content) is None
    assert listed_paths(content) == names
