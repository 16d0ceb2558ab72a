"""What the task fixes: folder names, run-length encoding, the score and the submission file.

Only numpy is used here, so that whatever uses a model can agree with whatever trained it.
"""

from humanseg.task.csv_file import (
    exact_rle,
    long_fields,
    submission_ids,
    template_ids,
    write_rles,
    write_submission,
)
from humanseg.task.names import HEADER, SPLITS, TEMPLATE_NAME, mask_folder, natural_key
from humanseg.task.rle import RleError, decode_rle, encode_rle
from humanseg.task.scores import boundary_band, boundary_dice, dice, iou

__all__ = [
    "HEADER",
    "SPLITS",
    "TEMPLATE_NAME",
    "RleError",
    "boundary_band",
    "boundary_dice",
    "decode_rle",
    "dice",
    "encode_rle",
    "exact_rle",
    "iou",
    "long_fields",
    "mask_folder",
    "natural_key",
    "submission_ids",
    "template_ids",
    "write_rles",
    "write_submission",
]
