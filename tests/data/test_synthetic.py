import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from humanseg.data.synthetic import MARKER_NAME, draw_photo, holds_sample, write_sample
from humanseg.errors import HumansegError
from humanseg.io.names import TEMPLATE_NAME
from humanseg.io.rle import decode_rle
from humanseg.metrics.scores import dice
from humanseg.submission.template import template_ids

COUNTS = {"train": 4, "valid": 3, "test": 2}
SIZE = (64, 48)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "new" / "folder"
    write_sample(folder, seed=3, **COUNTS, size=(320, 240))
    return folder


def contents(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def test_the_layout_is_that_of_real_data(root: Path) -> None:
    photos = [f"train/{i}.jpg" for i in range(4)]
    photos += [f"valid/{i}.jpg" for i in (4, 5, 6)] + [f"test/{i}.jpg" for i in (7, 8)]
    masks = [f"train_mask/{i}.png" for i in range(4)] + [f"valid_mask/{i}.png" for i in (4, 5, 6)]
    assert sorted(contents(root)) == sorted([*photos, *masks, TEMPLATE_NAME, MARKER_NAME])


def test_photos_are_rgb_and_masks_have_two_values(root: Path) -> None:
    for path in root.rglob("*.jpg"):
        with Image.open(path) as photo:
            assert (photo.format, photo.mode, photo.size) == ("JPEG", "RGB", (240, 320))
    for path in root.rglob("*.png"):
        with Image.open(path) as mask:
            assert (mask.format, mask.mode, mask.size) == ("PNG", "L", (240, 320))
            assert set(np.unique(np.asarray(mask))) == {0, 255}


def test_the_template_lists_valid_with_one_placeholder(root: Path) -> None:
    assert template_ids(root) == ["4", "5", "6"]
    raw = (root / TEMPLATE_NAME).read_bytes()
    assert raw.startswith(b"id,rle_mask\n") and b"\r" not in raw
    with (root / TEMPLATE_NAME).open(newline="") as file:
        masks = {row["rle_mask"] for row in csv.DictReader(file)}
    assert len(masks) == 1
    placeholder = decode_rle(masks.pop(), (320, 240))
    for id in ("4", "5", "6"):
        with Image.open(root / "valid_mask" / f"{id}.png") as mask:
            assert dice(placeholder, np.asarray(mask) > 0) < 0.9


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_sample(tmp_path / name, seed=seed, **COUNTS, size=SIZE)
    first, again, other = (contents(tmp_path / name) for name in "abc")
    assert first == again
    for name in first.keys() - {TEMPLATE_NAME, MARKER_NAME}:
        assert first[name] != other[name]


def test_a_photo_depends_on_seed_and_id_alone() -> None:
    alone = draw_photo(7, 2, SIZE)
    np.random.default_rng(1).random(5)
    draw_photo(7, 0, SIZE), draw_photo(7, 1, SIZE)
    after_others = draw_photo(7, 2, SIZE)
    for one, two in zip(alone, after_others, strict=True):
        np.testing.assert_array_equal(one, two)


def test_figures_vary_in_size_and_none_fills_or_leaves_the_photo() -> None:
    shares = np.array([draw_photo(0, number, (80, 60))[1].mean() for number in range(66)])
    assert 0.05 < shares.min() < 0.22
    assert 0.68 < shares.max() < 0.95
    assert 0.4 < shares.mean() < 0.6
    assert shares.std() > 0.12


def test_the_mask_has_a_smooth_outline() -> None:
    mask = draw_photo(0, 0)[1].astype(int)
    steps = np.abs(np.diff(mask, axis=0)).sum() + np.abs(np.diff(mask, axis=1)).sum()
    # A drawn outline is a curve: its length goes with the side, not with the area.
    assert steps < 0.06 * mask.size
    neighbours = sum(
        np.roll(mask, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx
    )
    inner = np.s_[1:-1, 1:-1]
    assert not ((mask == 1) & (neighbours == 0))[inner].any()


@pytest.mark.parametrize("size", [(32, 32), (50, 133), (201, 77)])
def test_any_size_can_be_drawn(size: tuple[int, int]) -> None:
    photo, mask, _ = draw_photo(0, 5, size)
    assert photo.shape == (*size, 3) and photo.dtype == np.uint8
    assert mask.shape == size and set(np.unique(mask)) <= {0, 1}


def test_writing_again_repairs_and_removes_what_is_no_longer_wanted(tmp_path: Path) -> None:
    write_sample(tmp_path, train=3, valid=2, test=2, size=SIZE)
    (tmp_path / "train" / "0.jpg").write_bytes(b"broken")
    write_sample(tmp_path, train=2, valid=1, test=1, size=SIZE)
    fresh = tmp_path.parent / f"{tmp_path.name}-fresh"
    write_sample(fresh, train=2, valid=1, test=1, size=SIZE)
    assert contents(tmp_path) == contents(fresh)


def test_a_folder_with_other_content_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "0.jpg").write_bytes(b"mine")
    with pytest.raises(HumansegError, match="other files.*empty folder"):
        write_sample(tmp_path, **COUNTS, size=SIZE)
    assert contents(tmp_path) == {"train/0.jpg": b"mine"}


@pytest.mark.parametrize(
    "marker", ["", "[1]", '{"made_by": "somebody"}', '{"made_by": "humanseg sample", "train": "x"}']
)
def test_a_foreign_marker_is_no_permission(tmp_path: Path, marker: str) -> None:
    (tmp_path / MARKER_NAME).write_text(marker)
    with pytest.raises(HumansegError, match="other files"):
        write_sample(tmp_path, **COUNTS, size=SIZE)
    assert (tmp_path / MARKER_NAME).read_text() == marker


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(HumansegError, match="it is a file"):
        write_sample(tmp_path / "x")


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"valid": 0}, {"size": (320, 8)}])
def test_numbers_out_of_range_are_named_before_anything_is_written(
    tmp_path: Path, wrong: dict
) -> None:
    with pytest.raises(HumansegError, match="must be 0 or more"):
        write_sample(tmp_path / "s", **wrong)
    assert not (tmp_path / "s").exists()


def test_holds_sample_knows_a_whole_one(tmp_path: Path) -> None:
    assert not holds_sample(tmp_path, **COUNTS, size=SIZE)
    write_sample(tmp_path, **COUNTS, size=SIZE)
    assert holds_sample(tmp_path, **COUNTS, size=SIZE)
    assert not holds_sample(tmp_path, seed=1, **COUNTS, size=SIZE)
    (tmp_path / "valid_mask" / "5.png").unlink()
    assert not holds_sample(tmp_path, **COUNTS, size=SIZE)
    assert json.loads((tmp_path / MARKER_NAME).read_text())["valid"] == 3


def _table(photo: np.ndarray) -> np.ndarray:
    """RGB and position of every pixel: (H·W, 5)."""
    y, x = np.mgrid[: photo.shape[0], : photo.shape[1]]
    return np.concatenate([photo, y[..., None], x[..., None]], -1).reshape(-1, 5)


@pytest.mark.slow
def test_colour_and_position_alone_do_not_find_the_figures(tmp_path: Path) -> None:
    from sklearn.ensemble import RandomForestClassifier

    def read(split: str, numbers: range) -> list[tuple[np.ndarray, np.ndarray]]:
        return [
            (
                np.asarray(Image.open(tmp_path / split / f"{n}.jpg")),
                np.asarray(Image.open(tmp_path / f"{split}_mask" / f"{n}.png")) > 0,
            )
            for n in numbers
        ]

    write_sample(tmp_path)
    rng, features, labels = np.random.default_rng(0), [], []
    for photo, mask in read("train", range(96)):
        chosen = rng.choice(mask.size, 1000, replace=False)
        features.append(_table(photo)[chosen])
        labels.append(mask.ravel()[chosen])
    forest = RandomForestClassifier(40, min_samples_leaf=20, n_jobs=2, random_state=0)
    forest.fit(np.concatenate(features), np.concatenate(labels))
    thresholds = np.arange(0.2, 0.6, 0.05)
    scores = [
        [dice(foreground > t, mask) for t in thresholds]
        for photo, full_mask in read("valid", range(96, 120))
        # Every second row and column: a quarter of the work, and the same mean to 0.001.
        for mask in [full_mask[::2, ::2]]
        for table in [_table(photo).reshape(*full_mask.shape, 5)[::2, ::2].reshape(-1, 5)]
        for foreground in [forest.predict_proba(table)[:, 1].reshape(mask.shape)]
    ]
    # The threshold is chosen on valid itself: this flatters the forest.
    best = np.mean(scores, axis=0).max()
    # Below this it would have learned nothing: calling every pixel a figure scores about 0.64.
    assert 0.65 < best <= 0.80
