import numpy as np
import pytest

from humanseg.evaluation.predict import Prediction
from humanseg.evaluation.source_scores import SourceScoresWriter, describe_sources


def test_sources_are_averaged_one_by_one_and_empty_ones_count_false_positives() -> None:
    half, nobody = np.zeros((10, 10), np.uint8), np.zeros((10, 10), np.uint8)
    half[:5] = 1
    photo, low = np.zeros((10, 10, 3), np.uint8), np.zeros((10, 10), np.float32)
    writer = SourceScoresWriter(None, 0.5)
    writer.add(Prediction("many/1", photo, half.astype(np.float32), half))
    writer.add(Prediction("many/2", photo, low, half))
    writer.add(Prediction("few/1", photo, half.astype(np.float32), half))
    writer.add(Prediction("nobody/1", photo, low, nobody))
    writer.add(Prediction("nobody/2", photo, half.astype(np.float32), nobody))
    found = writer.by_source()
    assert found["many"] == {"photos": 2, "dice": pytest.approx(0.5)}
    assert found["few"]["dice"] == pytest.approx(1)
    assert found["nobody"] == {"photos": 2, "false_positives": 0.5}
    assert "0.7500" in describe_sources(found)[-1]
