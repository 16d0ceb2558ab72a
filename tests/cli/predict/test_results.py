"""Masks, cut-outs and other results, and the files that they go to."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from humanseg.io.images import read_photo, write_image
from tests.cli.predict.conftest import files, photo


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

    def run_predict(*words: str) -> tuple[int, str]:
        return predict(*words), capsys.readouterr().out

    assert run_predict("c1/IMG_1.png", "--background", "red")[0] == 0
    code, shown = run_predict("c1/IMG_1.png", "--background", "blue")
    assert code == 0 and "again (last made with other options): out/IMG_1_background.jpg" in shown
    assert read_photo(Path("out/IMG_1_background.jpg"))[0, 0, 2] > 240
    code, shown = run_predict("c2/IMG_1.png", "--background", "blue")
    assert code == 1 and "made from another photo" in shown
    assert read_photo(Path("out/IMG_1_background.jpg")).shape[0] == 20
    # Both by one command have a folder each.
    assert run_predict("c1/IMG_1.png", "c2/IMG_1.png")[0] == 0
    assert {"c1/IMG_1_mask.png", "c2/IMG_1_mask.png"} < set(files())


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
    visible = pixels[..., 3] > 0
    assert np.abs(cutout[..., 3].astype(int) - pixels[..., 3]).max() <= 1
    assert np.abs(cutout[visible][:, :3].astype(int) - (250, 80, 10)).max() <= 2
    mask = read_photo(Path("out/a_mask.png"))[..., 0] > 0
    np.testing.assert_array_equal(mask, pixels[..., 3] > 0)
    behind = read_photo(Path("out/a_background.jpg"))[0, 0].astype(int)
    assert np.abs(behind - (0, 0, 255)).max() <= 6
