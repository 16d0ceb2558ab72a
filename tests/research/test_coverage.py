"""An interval holds the mean less often where scores have a long tail and photos are few."""

import numpy as np

from research.coverage import coverage


def test_a_long_tail_and_few_photos_make_intervals_too_narrow() -> None:
    generator = np.random.default_rng(0)
    even, tailed = generator.normal(0, 1, 500), generator.gamma(0.15, 1, 500)
    assert coverage(even, 100) > 0.92
    assert coverage(tailed, 100) < coverage(even, 100)
    assert coverage(tailed, 10) < 0.85
