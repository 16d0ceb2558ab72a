"""Joining the rows of a submission with the photos of a split, by id."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from humanseg.data.layout.listing import list_folder
from humanseg.io.names import SPLITS, natural_key
from humanseg.submission.complaints import Complaint, printable
from humanseg.submission.csv_file import submission_ids
from humanseg.submission.table import Row


def wanted_ids(root: Path, split: str, known: Iterable[str]) -> list[str]:
    """Return the ids that a submission must have, in the order that it should have.

    Parameters
    ----------
    root
        The data folder.
    split
        The split that is scored.
    known
        The ids that have a photo and a mask.

    Returns
    -------
    list of str
        Those of the data set's template on "valid"; else all of `known`, naturally sorted.

    Raises
    ------
    HumansegError
        The template is broken or names ids that are not in `known`.
    """
    if split != "valid":
        return sorted(known, key=natural_key)
    ids = submission_ids(root, known, all_of_them=False)
    return [unicodedata.normalize("NFC", id) for id in ids]


def without_spaces(rows: Iterable[Row], wanted: Iterable[str]) -> list[Row]:
    """Take the spaces around ids away, but for those that a photo's name has there, too."""
    known = set(wanted)
    return [row if row.id in known else replace(row, id=row.id.strip()) for row in rows]


def join_rows(
    rows: Sequence[Row], root: Path, split: str, wanted: Sequence[str]
) -> tuple[list[Row], list[Complaint]]:
    """Find the one row of each wanted id.

    Parameters
    ----------
    rows
        The rows of the file.
    root, split
        Where the photos lie.
    wanted
        The ids to find.

    Returns
    -------
    rows
        The first row of each wanted id that has one, in the order of the file.
    complaints
        About rows whose id is not wanted, or came before.
    """
    first: dict[str, Row] = {}
    complaints = []
    for row in rows:
        if row.id in first:
            message = f"the id {printable(row.id)} is in row {first[row.id].number} already"
            complaints.append(Complaint("these repeat ids of earlier rows", row.number, message))
        else:
            first[row.id] = row
    homes: dict[str, str] = {}
    if not set(first) <= set(wanted):
        others = [name for name in SPLITS if name != split and (root / name).is_dir()]
        homes = {id: name for name in others for id in list_folder(root / name).images}
    for id in set(first) - set(wanted):
        complaints.append(_unknown(first[id], split, set(wanted), homes))
    return [row for id, row in first.items() if id in set(wanted)], complaints


def order_notes(rows: Sequence[Row], wanted: Sequence[str]) -> list[str]:
    """Note when the rows are not in the wanted order; which does not change the score."""
    found = [row.id for row in rows]
    # What is missing, unknown or repeated is told elsewhere.
    if len(set(found)) != len(found) or set(found) != set(wanted) or found == list(wanted):
        return []
    return ["its rows are in another order than the task's; they are joined by id"]


def _unknown(row: Row, split: str, wanted: set[str], homes: dict[str, str]) -> Complaint:
    message = f"there is no photo {printable(row.id)} to score in {split}"
    kind = f"their ids have no photo to score in {split}"
    # Tables of numbers turn 7 into 7.0, and lists of files keep the suffix.
    likely = row.id.rsplit(".", 1)[0]
    if likely in wanted:
        message += f"; write {printable(likely)}"
        kind += ", because of what follows the point"
    elif padded := [id for id in wanted if id.lstrip("0") == row.id.lstrip("0")]:
        message += f"; it is {printable(padded[0])} without its leading zeros"
        kind += ", because they have lost their leading zeros, as spreadsheets take them away"
    elif row.id in homes:
        message += f"; it belongs to {homes[row.id]}"
        kind += f"; they belong to {homes[row.id]}"
    return Complaint(kind, row.number, message)
