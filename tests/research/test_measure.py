"""What is measured of masks and predictions, on shapes whose numbers are known."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from humanseg.metrics.scores import dice
from research.measure.light import light_stats
from research.measure.masks import (
    mask_stats,
    outline_length,
    perturbed_dice,
    resampled,
    shifted,
    smoothed,
)
from research.measure.photos import measure_annotators, measure_data
from research.measure.predictions import DISTANCES, THRESHOLDS, measure
from research.records import Records, read_columns
from research.sections.scoring import cross_tuned, pooled, tuned


@pytest.fixture
def lower_half() -> np.ndarray:
    mask = np.zeros((40, 30), np.uint8)
    mask[20:] = 1
    return mask


def test_a_half_is_measured_exactly(lower_half: np.ndarray) -> None:
    facts = mask_stats(lower_half)
    assert (facts.foreground, facts.people, facts.specks) == (0.5, 1, 0)
    assert (facts.outline, facts.ragged) == (30, 1.0)
    assert (facts.top, facts.bottom, facts.left, facts.right) == (0, 1, 0.5, 0.5)
    assert (facts.row, facts.column) == (0.75, 0.5)


def test_a_shift_goes_where_it_says_and_continues_at_the_frame(lower_half: np.ndarray) -> None:
    assert shifted(lower_half, 3, 0)[22].max() == 0 and shifted(lower_half, 3, 0)[23:].all()
    assert shifted(lower_half, -2, 0)[18:].all()
    assert (shifted(lower_half, 0, 4) == lower_half).all()


def test_slightly_wrong_masks_cost_what_geometry_says(lower_half: np.ndarray) -> None:
    found = perturbed_dice(lower_half)
    # 20 rows against 19 and 21; sideways nothing moves.
    down, up = 2 * 19 / 39, 2 * 20 / 41
    assert found["shrink1"] == pytest.approx(down)
    assert found["grow1"] == pytest.approx(up)
    assert found["shift1"] == pytest.approx((down + up + 2) / 4)
    assert found["smooth3"] == found["specks"] == pytest.approx(1)
    assert found["everything"] == pytest.approx(2 / 3)


def test_smoothing_takes_out_jags_and_a_pinhole_is_a_speck() -> None:
    jagged = np.zeros((40, 40), np.uint8)
    jagged[20:] = 1
    jagged[19, ::3] = 1
    assert outline_length(smoothed(jagged, 2)) < outline_length(jagged)
    assert mask_stats(jagged).ragged > 1.4
    jagged[30, 30] = 0
    assert mask_stats(jagged).specks == 1
    assert dice(resampled(jagged, (20, 20)), jagged) > 0.97


def test_a_prediction_is_counted_whole(lower_half: np.ndarray) -> None:
    soft = np.where(shifted(lower_half, 3, 0), 0.9, 0.1).astype(np.float32)
    found = measure(soft, soft, lower_half)
    assert (found["both"], found["predicted"], found["true"]) == (17 * 30, 17 * 30, 20 * 30)
    assert found["dice"] == found["at0.5"] == found["tta"] == found["holes"]
    assert found["at0.05"] == pytest.approx(2 / 3, abs=1e-6) and found["at0.95"] == 0
    names = [*map(str, DISTANCES), "beyond"]
    # The three wrong rows are 0.5, 1.5 and 2.5 pixels inside the outline.
    assert [found[f"wrong{name}"] for name in names] == [30, 30, 30, 0, 0, 0, 0]
    assert sum(found[f"band{name}"] for name in names) == lower_half.size
    assert found["band1"] == 60


def test_light_and_colour_are_measured_as_they_are_called(lower_half: np.ndarray) -> None:
    grey = np.full((40, 30, 3), 51, np.uint8)
    plain = light_stats(grey, None)
    assert (plain.brightness, plain.contrast, plain.saturation) == pytest.approx((0.2, 0, 0))
    assert plain.warmth == 0 and np.isnan(plain.separation)
    half = grey * (1 - lower_half[..., None]) + lower_half[..., None] * np.uint8(255)
    seen = light_stats(half.astype(np.uint8), lower_half)
    assert seen.brightness == pytest.approx(0.6) and seen.contrast == pytest.approx(0.4)
    assert seen.separation > 50 and seen.sharpness > plain.sharpness
    red = grey.copy()
    red[..., 0] = 255
    assert light_stats(red, None).warmth == pytest.approx(0.8)


def test_pooling_lets_large_figures_outvote_small_ones(tmp_path: Path) -> None:
    header: list[object] = [
        "id",
        "dice",
        "both",
        "predicted",
        "true",
        *(f"at{cut}" for cut in THRESHOLDS),
    ]
    cuts = [0.8 + 0.01 * at for at in range(len(THRESHOLDS))]
    rows: list[list[object]] = [
        ["large", 1.0, 900, 900, 900, *cuts],
        ["small", 0.0, 0, 50, 50, *cuts[::-1]],
    ]
    lines = [",".join(map(str, row)) for row in (header, *rows)]
    (tmp_path / "measured.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    columns = read_columns(tmp_path / "measured.csv")
    assert pooled(columns) == pytest.approx(1800 / 1900)
    assert columns.numbers("dice").mean() == 0.5
    # What is best on one photo is worst on the other.
    assert tuned(columns)[1] == pytest.approx(0.89)
    assert cross_tuned(columns) == pytest.approx(0.8)


def test_a_data_set_becomes_numbers(sample_root: Path, tmp_path: Path, records: Records) -> None:
    measure_data(sample_root, sample_root / "test", tmp_path)
    sizes = read_columns(tmp_path / "sizes.csv")
    counted = dict(zip(sizes.text("split"), sizes.text("photos"), strict=True))
    assert counted == {"train": "6", "valid": "3", "test": "2", "unlabelled": "2"}
    copies = read_columns(tmp_path / "copies.csv")
    assert copies.text("splits") == ["test unlabelled"] * 2
    assert copies.text("ids") == ["9 9", "10 10"]
    assert len(read_columns(tmp_path / "masks.csv")) == 9
    assert len(read_columns(tmp_path / "perturbed.csv")) == 3
    for name in ("sizes", "light", "masks", "heat", "copies", "perturbed"):
        columns = records.table(f"data/{name}.csv")
        assert list(read_columns(tmp_path / f"{name}.csv").texts) == list(columns.texts), name


def test_two_annotators_are_compared_where_both_drew(sample_root: Path, tmp_path: Path) -> None:
    (tmp_path / "second" / "valid").mkdir(parents=True)
    masks = sorted((sample_root / "valid_mask").iterdir())
    shutil.copy(masks[0], tmp_path / "second" / "valid" / masks[0].name)
    measure_annotators(sample_root, tmp_path / "second", tmp_path)
    table = read_columns(tmp_path / "second_annotation.csv")
    assert table.text("split") == ["valid"] and table.text("id") == [masks[0].stem]
    assert table.numbers("dice").tolist() == [1.0]
