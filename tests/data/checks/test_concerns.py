"""What a person should know of the photos before a training."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.conftest import Open, concerns


def test_sound_photos_are_trained_on_without_a_word(opened: Open) -> None:
    assert concerns(opened()) == []


def test_what_is_not_read_is_said_before_a_training(root: Path, opened: Open) -> None:
    (root / "train" / "more").mkdir()
    (root / "valid_mask" / "notes.txt").touch()
    shutil.copy(next((root / "train_mask").iterdir()), root / "train_mask" / "other.png")
    text = "\n".join(concerns(opened(root=str(root))))
    for what in ("1 sub-folder (more: no photo)", "(1 txt)", "other.png has no photo"):
        assert what in text


def test_photos_that_are_read_in_part_are_said_before_a_training(root: Path, opened: Open) -> None:
    for path in sorted((root / "train").iterdir())[:2]:
        image = Image.open(path).convert("RGB")
        path.unlink()
        image.save(path.with_suffix(".jpg"))
        path.with_suffix(".jpg").write_bytes(path.with_suffix(".jpg").read_bytes()[:-2])
    (text,) = concerns(opened(root=str(root)))
    assert text.startswith("2 photos lack their last bytes: ") and text.endswith(").")


def test_inverted_masks_are_said_before_a_training(root: Path, opened: Open) -> None:
    for path in [*(root / "train_mask").iterdir(), *(root / "valid_mask").iterdir()]:
        Image.fromarray(255 - np.asarray(Image.open(path))).save(path)
    (text,) = concerns(opened(root=str(root)))
    assert "inverted" in text


@pytest.mark.parametrize(("value", "marks"), [(0, "no person"), (255, "every pixel")])
@pytest.mark.parametrize("split", ["train", "valid"])
def test_masks_that_are_all_blank_are_said_before_a_training(
    root: Path, opened: Open, split: str, value: int, marks: str
) -> None:
    paths = sorted((root / f"{split}_mask").iterdir())
    for path in paths:
        Image.fromarray(np.full((64, 48), value, np.uint8)).save(path)
    (text,) = concerns(opened(root=str(root)))
    assert f"each of the {len(paths)} masks of {split} marks {marks}" in text
    assert "data.person_values" in text
    Image.fromarray(np.full((64, 48), 255 - value, np.uint8)).save(paths[0])
    assert concerns(opened(root=str(root))) == [], "one photo without people is no reason"


def test_people_are_not_squeezed_without_a_word(root: Path, opened: Open) -> None:
    for folder in ("train", "train_mask"):
        path = min((root / folder).iterdir())
        Image.open(path).rotate(90, expand=True).save(path)
    (text,) = concerns(opened(root=str(root)))
    assert "data.resize_mode=pad or data.resize_mode=crop" in text
    assert concerns(opened(root=str(root), resize_mode="pad")) == []


def test_large_samples_are_said_unless_a_size_is_chosen(root: Path, opened: Open) -> None:
    for folder in ("train", "train_mask"):
        for path in (root / folder).iterdir():
            Image.open(path).resize((1200, 1600), Image.Resampling.NEAREST).save(path)
    (text,) = concerns(opened(root=str(root)))
    assert "1200x1600" in text and "data.train_size" in text
    assert concerns(opened(root=str(root), train_size=640)) == []
    assert concerns(opened(root=str(root), crop_size=(64, 48))) == []
