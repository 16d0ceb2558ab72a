from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from humanseg.io.images import read_mask
from humanseg.io.names import TEMPLATE_NAME
from humanseg.metrics.scores import dice
from humanseg.submission import score_file
from humanseg.submission.template import template_ids
from humanseg.submission.write import write_submission
from tests.submission.conftest import IDS, REAL, H, Masks, W, as_csv, lines, person, refusal, score


def test_the_score_is_the_mean_of_the_tasks_dice(root: Path, masks: Masks) -> None:
    report = score(root, as_csv(lines(masks)))
    expected = {id: dice(masks[id], person(number)) for number, id in enumerate(IDS)}
    assert report.per_photo == expected
    assert list(report.per_photo) == IDS
    assert report.dice == pytest.approx(np.mean(list(expected.values())), abs=1e-12)
    assert report.notes == []


def test_the_text_tells_mean_spread_and_the_worst_first(root: Path, masks: Masks) -> None:
    masks["12"] = np.zeros((H, W), bool)
    report = score(root, as_csv(lines(masks)))
    text = report.text()
    assert f"{report.dice:.6f}" in text
    assert "over 10 photos of valid" in text
    assert f"deviation {np.std(list(report.per_photo.values())):.4f}" in text
    assert "worst   12 0.0000, " in text


@pytest.mark.parametrize("side", [64, 128])
def test_masks_of_another_size_are_recognised(root: Path, masks: Masks, side: int) -> None:
    resized = {
        id: np.asarray(Image.fromarray(mask).resize((side, side))) for id, mask in masks.items()
    }
    message = refusal(root, as_csv(lines(resized)))
    assert f"look like masks of {side}×{side}, where the photos are 60×48" in message
    assert "rows 2 to 11 (10 rows)" in message


def test_masks_that_end_early_are_recognised_with_their_score(tmp_path: Path) -> None:
    big = tmp_path / "data"
    for folder in ("valid", "valid_mask"):
        (big / folder).mkdir(parents=True)
    small = {}
    for number, id in enumerate(IDS):
        mask = Image.fromarray(person(number)).resize((240, 320))
        Image.new("RGB", (240, 320)).save(big / "valid" / f"{id}.jpg")
        mask.save(big / "valid_mask" / f"{id}.png")
        small[id] = np.asarray(mask.resize((224, 224)))
    message = refusal(big, as_csv(lines(small)))
    assert "look like masks of 224×224" in message
    assert "Read as it stands it would score 0." in message


def test_masks_encoded_by_columns_are_recognised(root: Path, masks: Masks) -> None:
    turned = {id: np.ascontiguousarray(mask.T) for id, mask in masks.items()}
    assert "look like masks encoded column by column" in refusal(root, as_csv(lines(turned)))


def test_rows_at_the_wrong_ids_are_pointed_out(root: Path, masks: Masks) -> None:
    right = score(root, as_csv(lines(masks))).dice
    masks["8"], masks["12"], masks["16"] = masks["12"], masks["16"], masks["8"]
    report = score(root, as_csv(lines(masks)))
    assert report.dice < right
    (note,) = report.notes
    assert "3 rows look attached to the wrong ids" in note
    assert "rows 2, 6, 10" in note
    assert "row 2 (id 8, Dice 0.1" in note and ") fits 12 (0.9" in note
    assert f"with these rows put right the file would score {right:.6f}" in note


def test_poor_masks_are_not_taken_for_misplaced_ones(root: Path, masks: Masks) -> None:
    generator = np.random.default_rng(0)
    noise = {id: generator.random((H, W)) > 0.5 for id in IDS}
    assert score(root, as_csv(lines(noise))).notes == []
    everything = {id: np.ones((H, W), bool) for id in IDS}
    assert score(root, as_csv(lines(everything))).notes == []
    # One prediction that shows another photo's person is a poor mask, not a swap.
    masks["8"] = masks["9"]
    assert score(root, as_csv(lines(masks))).notes == []


def test_the_template_says_which_ids_count(root: Path, masks: Masks) -> None:
    (root / TEMPLATE_NAME).write_text("id,rle_mask\n9,1 1\n8,1 1\n")
    report = score(root, as_csv([lines(masks)[1], lines(masks)[0]]))
    assert list(report.per_photo) == ["8", "9"]
    assert report.notes == []
    assert "row 2: there is no photo 10" in refusal(root, as_csv([lines(masks)[2]]))
    (root / TEMPLATE_NAME).write_text("id,rle_mask\n77,1 1\n")
    assert "does not name only valid photos: it names 77" in refusal(root, as_csv(lines(masks)))


@pytest.mark.skipif(not REAL.is_dir(), reason="the task's data is not beside the project")
def test_every_pixel_a_person_scores_what_was_measured(tmp_path: Path) -> None:
    ids = template_ids(REAL)
    assert ids is not None
    write_submission(tmp_path / "p.csv", {id: np.ones((320, 240), bool) for id in ids}, ids)
    report = score_file(tmp_path / "p.csv", REAL)
    assert report.dice == pytest.approx(0.716, abs=5e-4)
    assert report.notes == []


@pytest.mark.skipif(not REAL.is_dir(), reason="the task's data is not beside the project")
def test_real_rows_in_folder_order_are_recognised(tmp_path: Path) -> None:
    ids = template_ids(REAL)
    assert ids is not None
    listed = np.random.default_rng(0).permutation(ids).tolist()
    wrong = {
        id: read_mask(REAL / "valid_mask" / f"{other}.png")
        for id, other in zip(ids, listed, strict=True)
    }
    write_submission(tmp_path / "p.csv", wrong, ids)
    (note,) = score_file(tmp_path / "p.csv", REAL).notes
    assert "put right the file would score 1.000000" in note
