"""The mixed photos: every kind is there, and exactly the broken ones are broken."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from humanseg.io.images import ImageError, read_photo

SCRIPT = Path(__file__).parents[2] / "scripts" / "make_mixed_photos.py"
mixed = SimpleNamespace(**runpy.run_path(str(SCRIPT)))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the large ones small: the functions look their limits up in the script's own names."""
    names = mixed.make_photos.__globals__
    monkeypatch.setitem(names, "_LARGEST", 200)
    monkeypatch.setitem(names, "_HUGE", (150, 225))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_photos_are_many_kinds_and_follow_from_the_seed(
    sample_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def make(name: str, seed: int) -> dict[str, bytes]:
        words = ["--data", str(sample_root), "--count", "120", "--broken", "6"]
        assert mixed.main([str(tmp_path / name), *words, "--seed", str(seed)]) == 0
        return contents(tmp_path / name)

    first = make("a", 3)
    listed = capsys.readouterr().out.splitlines()
    assert len(first) == 120
    assert listed[0] == f"120 photos in {tmp_path / 'a'}, of them broken on purpose:"
    broken, modes, turns = [], set(), set()
    for name in first:
        path = tmp_path / "a" / name
        try:
            read_photo(path)
        except ImageError:
            broken.append(f"  {path}")
            continue
        with Image.open(path) as image:
            modes.add((image.format, image.mode))
            turns.add(image.getexif().get(0x0112))
    assert sorted(broken) == sorted(listed[1:]) and len(broken) == 6
    assert {("JPEG", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "RGBA")} <= modes
    assert {("PNG", "P"), ("PNG", "I;16"), ("PNG", "LA"), ("TIFF", "RGB"), ("BMP", "RGB")} <= modes
    assert len(turns) > 4
    assert make("b", 3) == first
    assert make("c", 4) != first


def test_a_folder_with_something_in_it_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "letter.txt").touch()
    assert mixed.main([str(tmp_path)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert mixed.main([str(tmp_path / "new"), "--data", str(tmp_path)]) == 2
    assert "no photos" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
