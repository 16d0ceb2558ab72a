import io
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from humanseg.data.folds import fold_ids
from humanseg.data.layout.mask_rule import AS_DRAWN, MaskRule
from humanseg.errors import HumansegError
from humanseg.io.images import read_mask
from humanseg.io.names import TEMPLATE_NAME
from humanseg.io.rle import encode_rle
from humanseg.metrics.scores import dice
from humanseg.submission import ScoreReport, score_file
from humanseg.submission.template import template_ids
from humanseg.submission.write import write_submission

REAL = Path(__file__).parents[3] / "shared" / "data" / "mil"
H, W = 60, 48
IDS = [str(id) for id in range(8, 18)]
Masks = dict[str, np.ndarray]


def person(number: int) -> np.ndarray:
    """Draw a head on shoulders, elsewhere for each number."""
    rows, columns = np.mgrid[:H, :W]
    centre = 8 + 3.5 * number
    head = (rows - 20) ** 2 + (columns - centre) ** 2 < 36
    return head | ((rows > 24 + number % 3) & (abs(columns - centre) < 9))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("train", "valid", "valid_mask"):
        (tmp_path / "data" / folder).mkdir(parents=True)
    for number, id in enumerate(IDS):
        photo = Image.new("RGB", (W, H), "grey")
        photo.save(tmp_path / "data" / "valid" / f"{id}.jpg")
        mask = Image.fromarray(person(number).astype(np.uint8) * 255)
        mask.save(tmp_path / "data" / "valid_mask" / f"{id}.png")
    Image.new("RGB", (W, H)).save(tmp_path / "data" / "train" / "3.jpg")
    return tmp_path / "data"


@pytest.fixture
def masks() -> Masks:
    """Return good predictions: the truth, moved by one pixel."""
    return {id: np.roll(person(number), 1, axis=1) for number, id in enumerate(IDS)}


def score(root: Path, text: str | bytes) -> ScoreReport:
    path = root.parent / "pred.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return score_file(path, root)


def lines(masks: Mapping[str, np.ndarray]) -> list[str]:
    return [f"{id},{encode_rle(mask)}" for id, mask in masks.items()]


def as_csv(rows: list[str]) -> str:
    return "\n".join(["id,rle_mask", *rows]) + "\n"


def refusal(root: Path, text: str) -> str:
    with pytest.raises(HumansegError) as caught:
        score(root, text)
    assert caught.value.exit_code == 2
    return str(caught.value)


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


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (lambda text: text.replace("\n", "\r\n"), "Windows line ends"),
        (lambda text: "\ufeff" + text, "byte order mark"),
        (lambda text: text.replace(",", ";"), "separated by semicolons"),
        (lambda text: text.replace("id,rle_mask", "ID, RLE_mask"), "header is not written"),
        (lambda text: "\n".join(text.split("\n")[:1] + text.split("\n")[:0:-1]), "another order"),
        (
            lambda text: "".join(
                f"{number - 1 if number else ''},{line}\n"
                for number, line in enumerate(text.splitlines())
            ),
            'columns besides id and rle_mask, passed over: ""',
        ),
    ],
    ids=["CRLF", "BOM", "semicolons", "capitals", "shuffled", "index"],
)
def test_other_forms_are_read_and_noted(
    root: Path, masks: Masks, change: Callable[[str], str], note: str
) -> None:
    plain = score(root, as_csv(lines(masks)))
    report = score(root, change(as_csv(lines(masks))))
    assert report.per_photo == plain.per_photo
    assert len(report.notes) == 1
    assert note in report.notes[0]
    assert note in report.text()


def test_utf_16_is_read(root: Path, masks: Masks) -> None:
    report = score(root, as_csv(lines(masks)).encode("utf-16"))
    assert "UTF-16" in report.notes[0]


@pytest.mark.parametrize("empty", ["", "nan", "NaN", '""'])
def test_an_empty_mask_may_be_empty_or_nan(root: Path, masks: Masks, empty: str) -> None:
    report = score(root, as_csv([*lines(masks)[:-1], f"17,{empty}"]))
    assert report.per_photo["17"] == 0
    assert ("nan" in "".join(report.notes)) == (empty.lower() == "nan")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("17,5", "row 11: the run-length code is broken: it holds an odd number"),
        ("17,5 0", "row 11: the run-length code is broken: the run at 5 has length 0"),
        ("17,2 4 3 4", "row 11: the run-length code is broken: the run at 3 starts before"),
        ("17,2880 2", "row 11: the run-length code is broken: the run at 2880 ends at 2881, past"),
        ("17,[[0 0 0 ... 0 0 0]", 'row 11: its mask is a printed array, "[[0 0 0 ... 0 0 0]"'),
        ('17,"[[0 0]\n [0 0]]"', "row 11: its mask is a printed array"),
        ("17", "row 11: there are 1 fields where the header has 2"),
        (",1 2", "row 11: the id is empty"),
        ("3,1 2", "row 11: there is no photo 3 to score in valid; it belongs to train"),
        ("99,1 2", "row 11: there is no photo 99 to score in valid\n"),
        ("17.0,1 2", "row 11: there is no photo 17.0 to score in valid; write 17"),
        ("17.jpg,1 2", "there is no photo 17.jpg to score in valid; write 17"),
        ("8,1 2", "row 11: the id 8 is in row 2 already"),
        ("", "1 ids of valid are missing: 17"),
    ],
)
def test_a_wrong_row_is_named(root: Path, masks: Masks, row: str, says: str) -> None:
    message = refusal(root, as_csv([*lines(masks)[:-1], row]))
    assert says in message
    assert "pred.csv" in message


def test_all_that_is_wrong_is_told_at_once(root: Path, masks: Masks) -> None:
    good = lines(masks)
    message = refusal(root, as_csv([good[0], good[0], "9,5", "x,1 1", "10,[[0", *good[4:]]))
    for part in ("row 3: the id 8", "row 4: the run", "row 5: there is", "row 6: its", "missing"):
        assert part in message
    # Ids whose rows are broken are not missing as well.
    assert "1 ids of valid are missing: 11" in message


def renamed(root: Path, masks: Masks, name: Callable[[str], str]) -> Masks:
    """Give photos, masks and predictions other ids."""
    for folder in ("valid", "valid_mask"):
        for path in sorted((root / folder).iterdir()):
            path.rename(path.with_name(f"{name(path.stem)}{path.suffix}"))
    return {name(id): mask for id, mask in masks.items()}


def test_spaces_that_belong_to_an_id_are_kept_and_others_are_not(root: Path, masks: Masks) -> None:
    plain = score(root, as_csv(lines(masks))).dice
    assert score(root, as_csv([f" {row.replace(',', ' ,')}" for row in lines(masks)])).dice == plain
    spaced = renamed(root, masks, lambda id: f" {id} ")
    assert score(root, as_csv(lines(spaced))).dice == plain


def test_ids_that_lost_their_leading_zeros_are_put_together_with_the_missing(
    root: Path, masks: Masks
) -> None:
    renamed(root, masks, lambda id: id.zfill(3))
    said = refusal(root, as_csv(lines(masks)[:2]))
    assert "there is no photo 8 to score in valid; it is 008 without its leading zeros" in said
    assert "they have lost their leading zeros" in refusal(root, as_csv(lines(masks)))


def test_many_rows_of_one_kind_share_a_line(root: Path, masks: Masks) -> None:
    message = refusal(root, as_csv([f"{id},[[0 0]]" for id in IDS]))
    assert "rows 2 to 11 (10 rows): their masks are printed arrays" in message
    assert len(message.splitlines()) == 2


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


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"name,mask\n1,2\n", "has no column id and no column rle_mask"),
        (b"id\n1\n", "no column rle_mask"),
        (b"8,1 2\n", "no column id"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "not a text in UTF-8"),
        (b"id,rle_mask\n", "10 ids of valid are missing"),
    ],
)
def test_a_file_that_is_no_submission_is_named(root: Path, content: bytes, says: str) -> None:
    with pytest.raises(HumansegError, match="pred.csv") as caught:
        score(root, content)
    assert says in str(caught.value)


def test_no_such_file(root: Path) -> None:
    with pytest.raises(HumansegError, match="Cannot read the submission"):
        score_file(root / "none.csv", root)


def test_long_encodings_are_read(root: Path) -> None:
    path = root.parent / "pred.csv"
    size = (400, 600)
    Image.new("RGB", size).save(root / "valid" / "8.jpg")
    checks = np.indices(size[::-1]).sum(0) % 2
    Image.fromarray((checks * 255).astype(np.uint8)).save(root / "valid_mask" / "8.png")
    write_submission(path, {id: checks if id == "8" else person(0) for id in IDS}, IDS)
    assert score_file(path, root).per_photo["8"] == pytest.approx(1)


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


def own_run(root: Path, data: Mapping[str, object]) -> Path:
    run = root.parent / "a run"
    (run / "deep").mkdir(parents=True)
    (run / "config.yaml").write_text(yaml.safe_dump({"data": dict(data)}))
    return run


def test_a_file_in_a_run_is_about_the_data_of_the_run(root: Path, masks: Masks) -> None:
    run = own_run(root, {"root": str(root)})
    wanted = score(root, as_csv(lines(masks)))
    for path in (run / "pred_valid.csv", run / "deep" / "other.csv"):
        path.write_text(as_csv(lines(masks)))
        report = score_file(path)
        assert report.dice == wanted.dice
        assert report.text().splitlines()[0] == f"data    {root}, of the run {run}"
    # What is given wins, also where the run names nothing.
    (run / "config.yaml").write_text("model: x\n")
    assert score_file(run / "pred_valid.csv", root).dice == wanted.dice
    with pytest.raises(HumansegError, match="does not record what it was trained on.*--data ROOT"):
        score_file(run / "pred_valid.csv")


def test_a_file_of_a_fold_is_about_the_photos_of_the_fold(root: Path, masks: Masks) -> None:
    for name in ("", "_mask"):
        (root / f"valid{name}").rename(root / f"ids{name}")
    (root / "train" / "3.jpg").unlink()
    (root / "train").rmdir()
    for name in ("", "_mask"):
        (root / f"ids{name}").rename(root / f"train{name}")
    run = own_run(root, {"root": str(root), "fold": 1, "folds": 3})
    of_fold = fold_ids(IDS, 1, 3)
    path = run / "pred_valid.csv"
    path.write_text(as_csv(lines({id: masks[id] for id in sorted(of_fold, key=int)})))
    report = score_file(path)
    assert sorted(report.per_photo) == sorted(of_fold) and "fold 1 of 3" in report.text()


def test_without_data_it_is_said_what_is_missing(root: Path, masks: Masks, tmp_path: Path) -> None:
    path = root.parent / "pred.csv"
    with pytest.raises(HumansegError, match="No such file"):
        score_file(path)
    path.write_text(as_csv(lines(masks)))
    with pytest.raises(HumansegError, match="not in the folder of a run.*--data ROOT"):
        score_file(path)
    run = own_run(root, {"root": str(tmp_path / "gone")})
    moved = path.rename(run / "pred.csv")
    with pytest.raises(HumansegError, match="trained on .*gone, and there is no such folder"):
        score_file(moved)


def test_without_pyyaml_it_is_said_what_a_file_in_a_run_needs(
    root: Path, masks: Masks, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = own_run(root, {"root": str(root)}) / "pred_valid.csv"
    path.write_text(as_csv(lines(masks)))
    monkeypatch.setitem(sys.modules, "yaml", None)
    for given in (None, root):
        with pytest.raises(HumansegError, match="pip install pyyaml.*--data ROOT") as caught:
            score_file(path, given)
        assert caught.value.code == "submission.no_yaml"
    assert score(root, as_csv(lines(masks))).dice == score_file(path, root, rule=AS_DRAWN).dice


def test_masks_are_read_as_the_run_of_the_submission_does_or_as_it_is_said(
    root: Path, masks: Masks
) -> None:
    plain = score(root, as_csv(lines(masks))).dice
    for path in (root / "valid_mask").iterdir():
        Image.fromarray(255 - np.asarray(Image.open(path))).save(path)
    csv = root.parent / "pred.csv"
    assert score_file(csv, root).dice < plain
    assert score_file(csv, root, rule=MaskRule(invert=True)).dice == plain
    (root.parent / "summary.json").write_text("{}")
    (root.parent / "config.yaml").write_text(f"data: {{root: {root}, invert_masks: true}}\n")
    assert score_file(csv, root).dice == score_file(csv).dice == plain


def test_a_submission_is_read_from_standard_input(
    root: Path, masks: Masks, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = as_csv(lines(masks))
    stream = io.TextIOWrapper(io.BytesIO(text.encode()))
    monkeypatch.setattr("sys.stdin", stream)
    assert score_file(Path("-"), root) == score(root, text)


@pytest.mark.parametrize("id", ["NA", "007", "1e5", "nan", "None"])
def test_ids_that_look_like_something_else_stay_as_they_are(
    root: Path, masks: Masks, id: str
) -> None:
    renamed(root, masks, lambda name: id if name == "8" else name)
    masks[id] = masks.pop("8")
    assert id in score(root, as_csv(lines(masks))).per_photo


def test_a_nul_byte_in_a_path_is_answered_in_a_sentence(root: Path) -> None:
    with pytest.raises(HumansegError, match="Cannot read the submission .* null byte") as caught:
        score_file(Path("pred\0.csv"), root)
    assert caught.value.code == "submission.unreadable"
    with pytest.raises(HumansegError, match="data"):
        score_file(root / "pred.csv", Path("da\0ta"))
