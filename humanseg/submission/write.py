"""Writing a submission: `pred_valid.csv`, checked before it is moved into place."""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from humanseg.errors import HumansegError, Refused
from humanseg.io.files import whole_file
from humanseg.io.names import HEADER, TEMPLATE_NAME, natural_key
from humanseg.io.rle import RleError, as_bool, decode_rle, encode_rle
from humanseg.io.tables import read_table, save_table
from humanseg.submission.complaints import name_ids


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
    """Encode a mask of shape (H, W), values 0 and 1, and make sure that it decodes to itself."""
    plain = as_bool(mask)
    rle = encode_rle(plain)
    try:
        same = np.array_equal(decode_rle(rle, plain.shape), plain)
    except RleError:
        same = False
    if not same:
        raise Refused(
            "A predicted mask reads back as another one, so no submission was written. This is a "
            "fault of humanseg or of this machine's memory: run the command again.",
            code="submission.mask_changed",
        )
    return rle


def write_rles(path: Path, rles: Mapping[str, str], order: Sequence[str]) -> None:
    """Write a submission of encoded masks, whole or not at all, with the ids of `order`.

    The file is read again and compared before it is put in place.
    """
    repeated = sorted((id for id, n in Counter(order).items() if n > 1), key=natural_key)
    if repeated:
        raise HumansegError(
            f"Cannot write {path}: {name_ids(repeated)} would come more than once; each id may "
            f"come once, so take the repeated rows out of {TEMPLATE_NAME}.",
            code="submission.repeated_id",
        )
    # Some disks hand out "é" as two characters where a template has one.
    names = {id: id if id in rles else unicodedata.normalize("NFC", id) for id in order}
    missing = [id for id in order if names[id] not in rles]
    if missing:
        raise HumansegError(
            f"Cannot write {path}: there is no predicted mask for {name_ids(missing)}. "
            f"{TEMPLATE_NAME} must name photos of this data set's valid folder.",
            code="submission.missing_mask",
        )
    rows = [(id, rles[names[id]]) for id in order]
    table = pd.DataFrame(rows, columns=list(HEADER), dtype=object)
    with whole_file(path) as partial:
        save_table(partial, table)
        if not read_table(partial, HEADER).equals(table):
            raise Refused(
                f"{path} was not written: what was read again from the disk differs from the "
                "predicted masks. Check the disk and run the command again.",
                code="submission.file_changed",
            )
