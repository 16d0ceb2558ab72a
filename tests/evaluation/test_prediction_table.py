import numpy as np
import pytest

from humanseg.evaluation.predict import Prediction
from humanseg.evaluation.prediction_table import LONGER_SIDE, ExamplePrediction, PredictionTable

SIDE = 32


def predicted(number: int, size: tuple[int, int] = (SIDE, SIDE)) -> Prediction:
    """Predict a mask that is the better, the greater the number, 0 to SIDE."""
    truth = np.zeros(size, np.uint8)
    truth[:, : number * size[1] // SIDE] = 1
    probability = np.full(size, 0.6, np.float32)
    return Prediction(str(number), np.full((*size, 3), number, np.uint8), probability, truth)


def picked(predictions: list[Prediction], threshold: float = 0.5) -> list[ExamplePrediction]:
    samples: list[ExamplePrediction] = []
    with PredictionTable(samples.extend, threshold) as table:
        for prediction in predictions:
            table.add(prediction)
        assert len(table._worst) + len(table._best) + len(table._drawn) <= 24
    return samples


def test_worst_median_and_best_in_any_order() -> None:
    numbers = list(range(1, SIDE + 1))
    samples = picked([predicted(number) for number in numbers])
    ids = [int(sample.id) for sample in samples]
    assert [sample.kind for sample in samples] == ["worst"] * 4 + ["median"] * 4 + ["best"] * 4
    assert ids[:4] == [1, 2, 3, 4] and ids[8:] == [29, 30, 31, 32]
    assert all(8 <= number <= 25 for number in ids[4:8])
    assert samples[-1].dice == pytest.approx(1)
    shuffled = np.random.default_rng(0).permutation(numbers)
    assert [one.id for one in picked([predicted(int(n)) for n in shuffled])] == [
        one.id for one in samples
    ]


@pytest.mark.parametrize(
    ("count", "kinds"),
    [
        (0, []),
        (1, ["worst"]),
        (2, ["worst", "best"]),
        (3, ["worst", "median", "best"]),
        (7, ["worst"] * 2 + ["median"] * 2 + ["best"] * 2),
    ],
)
def test_few_photos_are_shown_once(count: int, kinds: list[str]) -> None:
    samples = picked([predicted(number) for number in range(1, count + 1)])
    assert [sample.kind for sample in samples] == kinds
    assert len({sample.id for sample in samples}) == len(samples)


def test_pictures_are_small_copies_and_the_dice_is_not() -> None:
    large = predicted(16, (2 * LONGER_SIDE, LONGER_SIDE))
    (sample,) = picked([large])
    assert sample.photo.shape == (LONGER_SIDE, LONGER_SIDE // 2, 3)
    assert sample.prediction.shape == sample.truth.shape == (LONGER_SIDE, LONGER_SIDE // 2)
    assert set(np.unique(sample.truth)) == {0, 1}
    assert sample.dice == pytest.approx(2 / 3)
    small = predicted(16)
    (sample,) = picked([small])
    assert not np.shares_memory(sample.photo, small.photo)
    assert small.truth is not None and not np.shares_memory(sample.truth, small.truth)


def test_the_threshold_decides() -> None:
    (sample,) = picked([predicted(16)], threshold=0.7)
    assert sample.dice == pytest.approx(0) and not sample.prediction.any()


def test_a_valid_photo_without_its_mask_is_an_error() -> None:
    one = predicted(1)
    with pytest.raises(ValueError, match="'1'"):
        picked([Prediction(one.id, one.photo, one.probability, None)])
