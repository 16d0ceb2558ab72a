"""Submission files and the template that says what goes into them."""

import csv
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from humanseg.errors import HumansegError, Refused
from humanseg.io.files import csv_field, long_fields, whole_file
from humanseg.io.names import HEADER, TEMPLATE_NAME, natural_key
from humanseg.io.rle import RleError, as_bool, decode_rle, encode_rle


def write_submission(
    path: Path, masks: Mapping[str, NDArray[np.generic]], order: Sequence[str]
) -> None:
    """Write a submission, whole or not at all.

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
        A mask reads back as another one.
    """
    write_rles(path, {id: exact_rle(mask) for id, mask in masks.items()}, order)


def exact_rle(mask: NDArray[np.generic]) -> str:
    """Encode a mask of shape (H, W), values 0 and 1, and make sure that it decodes to itself.

    Raises
    ------
    Refused
        It does not.
    """
    plain = as_bool(mask)
    rle = encode_rle(plain)
    try:
        same = np.array_equal(decode_rle(rle, plain.shape), plain)
    except RleError:
        same = False
    if not same:
        raise Refused(
            "A predicted mask reads back as another one, so no submission was written. This is a "
            "fault of humanseg or of this machine's memory: run the command again."
        )
    return rle


def write_rles(path: Path, rles: Mapping[str, str], order: Sequence[str]) -> None:
    """Write a submission of encoded masks, whole or not at all.

    The file is read again and compared before it is put in place.

    Parameters
    ----------
    path
        Where the CSV shall be.
    rles
        For each id its mask as `exact_rle` gives it. Ids that are not in `order` are left out.
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
    names = {id: id if id in rles else unicodedata.normalize("NFC", id) for id in order}
    missing = [id for id in order if names[id] not in rles]
    if missing:
        raise HumansegError(
            f"Cannot write {path}: there is no predicted mask for {_some(missing)}. "
            f"{TEMPLATE_NAME} must name photos of this data set's valid folder."
        )
    rows = [list(HEADER), *([id, rles[names[id]]] for id in order)]
    with whole_file(path) as partial:
        with partial.open("w", newline="", encoding="utf-8") as file:
            file.writelines(",".join(map(csv_field, row)) + "\n" for row in rows)
        with long_fields(), partial.open(newline="", encoding="utf-8") as file:
            same = list(csv.reader(file)) == rows
        if not same:
            raise Refused(
                f"{path} was not written: what was read again from the disk differs from the "
                "predicted masks. Check the disk and run the command again."
            )


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


def submission_ids(root: Path, ids: Iterable[str], all_of_them: bool = True) -> list[str]:
    """Return the ids of a submission, in its order.

    Parameters
    ----------
    root
        The data folder.
    ids
        Those of the valid photos, in Unicode's composed form.
    all_of_them
        Whether the data set's template must name each of `ids`, or may be about some.

    Returns
    -------
    list of str
        As the data set's template has them; without a template `ids`, naturally sorted.

    Raises
    ------
    HumansegError
        The template is broken, names other photos, or leaves out some that it must name.
    """
    known = set(ids)
    template = template_ids(root)
    if template is None:
        return sorted(known, key=natural_key)
    named = {unicodedata.normalize("NFC", id) for id in template}
    differences = [
        f"{what} {_some(sorted(some, key=natural_key))}"
        for what, some in (
            ("names", named - known),
            ("lacks", known - named if all_of_them else set()),
        )
        if some
    ]
    if differences:
        what = "exactly the" if all_of_them else "only"
        raise HumansegError(
            f"The template {root / TEMPLATE_NAME} does not name {what} valid photos: it "
            f"{' and '.join(differences)}. Repair it, or take it away to have the ids sorted "
            "naturally."
        )
    return template


def _some(ids: Sequence[str]) -> str:
    shown = ", ".join(ids[:5])
    return shown if len(ids) <= 5 else f"{shown} and {len(ids) - 5} more"
