"""Joining the rows of a submission with the photos of a split, by id."""

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import pandas as pd

from humanseg.data.layout.listing import list_folder
from humanseg.io.names import SPLITS, natural_key
from humanseg.submission.complaints import Complaint, shorten
from humanseg.submission.template import submission_ids


def wanted_ids(root: Path, split: str, known: Iterable[str]) -> list[str]:
    """Return the ids that a submission must have, in the order that it should have.

    Those of the data set's template on "valid"; else all of `known`, naturally sorted.
    """
    if split != "valid":
        return sorted(known, key=natural_key)
    ids = submission_ids(root, known, all_of_them=False)
    return [unicodedata.normalize("NFC", id) for id in ids]


def join_rows(
    rows: pd.DataFrame, root: Path, split: str, wanted: Collection[str]
) -> tuple[pd.DataFrame, list[Complaint]]:
    """Find the first row of each wanted id, in the order of the file; complain about all others."""
    known = set(wanted)
    first = rows.drop_duplicates("id")
    is_wanted = first["id"].isin(known)
    number_of = dict(zip(first["id"], first.index, strict=True))
    complaints = [
        Complaint(
            "these repeat ids of earlier rows",
            number,
            f"the id {shorten(id)} is in row {number_of[id]} already",
        )
        for number, id in _ids(rows[rows["id"].duplicated()])
    ]
    split_of: dict[str, str] = {}
    if not is_wanted.all():
        others = [name for name in SPLITS if name != split and (root / name).is_dir()]
        split_of = {id: name for name in others for id in list_folder(root / name).images}
    for number, id in _ids(first[~is_wanted]):
        complaints.append(_unknown(number, id, split, known, split_of))
    return first[is_wanted], complaints


def order_notes(rows: pd.DataFrame, wanted: Collection[str]) -> list[str]:
    """Add a note if the rows are not in the expected order, which does not change the score."""
    ids = rows["id"].tolist()
    # What is missing, unknown or repeated is told elsewhere.
    if sorted(ids) != sorted(wanted) or ids == list(wanted):
        return []
    return ["its rows are in another order than the task's; they are joined by id"]


def _ids(rows: pd.DataFrame) -> Iterable[tuple[int, str]]:
    return zip(rows.index.tolist(), rows["id"].tolist(), strict=True)


def _unknown(
    number: int, id: str, split: str, wanted: Collection[str], split_of: Mapping[str, str]
) -> Complaint:
    message = f"there is no photo {shorten(id)} to score in {split}"
    kind = f"their ids have no photo to score in {split}"
    # Tables of numbers turn 7 into 7.0, and lists of files keep the suffix.
    likely = id.rsplit(".", 1)[0]
    if likely in wanted:
        message += f"; write {shorten(likely)}"
        kind += ", because of what follows the point"
    elif padded := [other for other in wanted if other.lstrip("0") == id.lstrip("0")]:
        message += f"; it is {shorten(padded[0])} without its leading zeros"
        kind += ", because they have lost their leading zeros, as spreadsheets take them away"
    elif id in split_of:
        message += f"; it belongs to {split_of[id]}"
        kind += f"; they belong to {split_of[id]}"
    return Complaint(kind, number, message)
