"""Submission files and the template that says what goes into them."""

import csv
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from humanseg.errors import HumansegError, Refused
from humanseg.files import csv_field, whole_file
from humanseg.task.names import HEADER, TEMPLATE_NAME, natural_key
from humanseg.task.rle import as_bool, decode_rle, encode_rle


def write_submission(
    path: Path, masks: Mapping[str, NDArray[np.generic]], order: Sequence[str]
) -> None:
    """Write a submission, whole or not at all.

    The file is read again and each mask decoded and compared before it is put in place.

    Parameters
    ----------
    path
        Where the CSV shall be.
    masks
        For each id its predicted mask, shape (H, W), values 0 and 1. Ids that are not in
        `order` are left out.
    order
        The ids to write, in this order.

    Raises
    ------
    HumansegError
        An id of `order` has no mask or comes twice, or the file cannot be written.
    Refused
        What was read again differs from what was to be written.
    """
    repeated = sorted((id for id, n in Counter(order).items() if n > 1), key=natural_key)
    if repeated:
        raise HumansegError(
            f"Cannot write {path}: {_some(repeated)} would come more than once; each id may "
            f"come once, so take the repeated rows out of {TEMPLATE_NAME}."
        )
    # Some disks hand out "é" as two characters where a template has one.
    names = {id: id if id in masks else unicodedata.normalize("NFC", id) for id in order}
    missing = [id for id in order if names[id] not in masks]
    if missing:
        raise HumansegError(
            f"Cannot write {path}: there is no predicted mask for {_some(missing)}. "
            f"{TEMPLATE_NAME} must name photos of this data set's valid folder."
        )
    wanted = [(id, as_bool(masks[names[id]])) for id in order]
    with whole_file(path) as partial:
        with partial.open("w", newline="", encoding="utf-8") as file:
            file.write(",".join(HEADER) + "\n")
            file.writelines(f"{csv_field(id)},{encode_rle(mask)}\n" for id, mask in wanted)
        _compare(partial, path, wanted)


def template_ids(root: Path) -> list[str] | None:
    """Return the ids of the data set's template, in its order.

    Parameters
    ----------
    root
        The data folder.

    Returns
    -------
    list of str or None
        None where the data set has no template.

    Raises
    ------
    HumansegError
        The template cannot be read, has no column "id", no rows, or an id twice.
    """
    path = root / TEMPLATE_NAME
    if not path.exists():
        return None
    try:
        with long_fields(), path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise HumansegError(f"Cannot read the template {path}: {error}.") from error
    if not rows or HEADER[0] not in rows[0]:
        raise HumansegError(
            f'The template {path} has no column "{HEADER[0]}": its first line must be '
            f"{','.join(HEADER)}. Repair it, or take it away to have the ids sorted naturally."
        )
    column = rows[0].index(HEADER[0])
    ids = [row[column] if column < len(row) else "" for row in rows[1:]]
    repeated = [id for id, n in Counter(ids).items() if n > 1]
    if repeated or not ids or "" in ids:
        what = f"has {_some(repeated)} more than once" if repeated else "has rows without an id"
        what = what if ids else "has no rows"
        raise HumansegError(
            f"The template {path} {what}: each id must come once. Repair it, or take it away to "
            "have the ids sorted naturally."
        )
    return ids


def submission_ids(root: Path, ids: Iterable[str]) -> list[str]:
    """Return the ids of a submission, in its order.

    Parameters
    ----------
    root
        The data folder.
    ids
        Those of the valid photos, in Unicode's composed form.

    Returns
    -------
    list of str
        As the data set's template has them; without a template `ids`, naturally sorted.

    Raises
    ------
    HumansegError
        The template is broken, or is not about exactly these photos.
    """
    known = set(ids)
    template = template_ids(root)
    if template is None:
        return sorted(known, key=natural_key)
    wanted = {unicodedata.normalize("NFC", id) for id in template}
    if wanted != known:
        differences = [
            f"{what} {_some(sorted(some, key=natural_key))}"
            for what, some in (("names", wanted - known), ("lacks", known - wanted))
            if some
        ]
        raise HumansegError(
            f"The template {root / TEMPLATE_NAME} does not name exactly the valid photos: it "
            f"{' and '.join(differences)}. Repair it, or take it away to have the ids sorted "
            "naturally."
        )
    return template


@contextmanager
def long_fields() -> Iterator[None]:
    """Let the csv module read fields of any length: the mask of a large photo is long."""
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _compare(written: Path, path: Path, wanted: Sequence[tuple[str, NDArray[np.bool_]]]) -> None:
    with long_fields(), written.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    try:
        same = rows[0] == list(HEADER) and all(
            row[0] == id and np.array_equal(decode_rle(row[1], mask.shape), mask)
            for row, (id, mask) in zip(rows[1:], wanted, strict=True)
        )
    except (LookupError, ValueError):
        same = False
    if not same:
        raise Refused(
            f"{path} was not written: what was read again from the disk differs from the "
            "predicted masks. Check the disk and run the command again."
        )


def _some(ids: Sequence[str]) -> str:
    shown = ", ".join(ids[:5])
    return shown if len(ids) <= 5 else f"{shown} and {len(ids) - 5} more"
