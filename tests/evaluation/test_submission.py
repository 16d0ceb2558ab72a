"""The writer of the submission: what it keeps, and what it writes."""

import tracemalloc
from pathlib import Path

import numpy as np

from humanseg.evaluation.predict import Prediction
from humanseg.evaluation.submission_writer import SubmissionWriter

PHOTO = np.zeros((1, 1, 3), np.uint8)


def test_little_is_kept_of_each_photo(tmp_path: Path) -> None:
    """Of large photos in great number, not even the masks fit in memory."""
    writer = SubmissionWriter(tmp_path / "pred.csv", [str(id) for id in range(8)], 0.5)
    probability = np.zeros((1000, 1000), np.float32)
    probability[200:700, 300:600] = 0.9
    tracemalloc.start()
    for id in range(8):
        writer.add(Prediction(str(id), PHOTO, probability, None))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 8 * probability.size / 10
    writer.finish()
    rows = (tmp_path / "pred.csv").read_text().splitlines()
    assert rows[0] == "id,rle_mask" and len(rows) == 9
    assert rows[8].startswith("7,200301 300 201301 300 ")
