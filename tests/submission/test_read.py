"""Submissions in every form, and what is wrong with their rows."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from humanseg.errors import HumansegError
from humanseg.submission import score_file
from humanseg.submission.write import write_submission
from tests.submission.conftest import IDS, Masks, as_csv, lines, person, refusal, score


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
