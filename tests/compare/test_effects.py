from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pytest

from humanseg.compare.effects import Effects, main_effects
from humanseg.compare.ranking import Group, rank
from humanseg.runs.record import RunRecord
from humanseg.runs.settings import Shipped

Make = Callable[..., RunRecord]
PHOTOS = np.random.default_rng(0).uniform(0.8, 0.9, 30)
MODEL = {"unet": 0.03, "pspnet": -0.03}
LOSS = {"dice": 0.01, "bce": 0.0, "focal": -0.01}


@pytest.fixture
def ranked(make_record: Make, shipped: Shipped) -> Callable[..., Group]:
    """Rank runs of combinations of a model and a loss whose effects add up."""

    def make(combinations: Sequence[tuple[str, str]], *others: RunRecord) -> Group:
        runs = [
            make_record(
                f"{place}",
                PHOTOS + MODEL[model] + LOSS[loss],
                parts={"model": model, "loss": loss},
            )
            for place, (model, loss) in enumerate(combinations)
        ]
        return rank([*runs, *others], shipped)

    return make


def table(effects: Effects) -> dict[str, dict[str, float]]:
    return {
        effect.key: {level.label: round(level.effect, 9) for level in effect.levels}
        for effect in effects.settings
    }


def test_in_a_full_grid_effects_are_plain_averages(ranked: Callable[..., Group]) -> None:
    effects = main_effects(ranked(list(product(MODEL, LOSS))))
    assert effects.balanced and effects.confounded == () and effects.left_out == 0
    assert table(effects) == {"model": MODEL, "loss": LOSS}
    # The setting that does most comes first, and its best value.
    assert [effect.key for effect in effects.settings] == ["model", "loss"]
    assert [level.label for level in effects.settings[1].levels] == ["dice", "bce", "focal"]
    assert [level.runs for level in effects.settings[1].levels] == [2, 2, 2]


def test_elsewhere_the_others_are_kept_equal(ranked: Callable[..., Group]) -> None:
    # Nearly all runs of unet have the poor loss: a plain average would blame the model.
    unbalanced = [("unet", "focal"), ("unet", "bce"), ("pspnet", "bce"), ("pspnet", "dice")]
    effects = main_effects(ranked(unbalanced))
    assert not effects.balanced
    assert table(effects) == {"model": MODEL, "loss": LOSS}


def test_what_changed_only_together_is_not_told_apart(ranked: Callable[..., Group]) -> None:
    effects = main_effects(ranked([("unet", "dice"), ("pspnet", "bce")]))
    assert effects.settings == () and set(effects.confounded) == {"model", "loss"}


def test_one_odd_run_does_not_hide_the_rest(
    ranked: Callable[..., Group], make_record: Make
) -> None:
    odd = make_record("odd", PHOTOS, lr=0.1, parts={"model": "light_unet", "loss": "dice"})
    effects = main_effects(ranked(list(product(MODEL, LOSS)), odd))
    assert effects.left_out == 1 and effects.balanced
    assert table(effects) == {"model": MODEL, "loss": LOSS}


def test_effects_have_intervals_over_photos(make_record: Make, shipped: Shipped) -> None:
    noise = np.random.default_rng(1).normal(0, 0.02, 30)
    runs = [make_record("a", PHOTOS), make_record("b", PHOTOS + 0.1 + noise, lr=0.1)]
    (effect,) = main_effects(rank(runs, shipped)).settings
    best = effect.levels[0]
    assert best.label == "0.1" and best.low < best.effect < best.high
    assert best.high - best.low == pytest.approx(2 * 1.96 * noise.std() / 2 / 30**0.5, rel=0.1)


def test_many_numbers_are_put_into_three_ranges(make_record: Make, shipped: Shipped) -> None:
    rates = [0.001 * 2**n for n in range(9)]
    # Best in the middle.
    runs = [make_record(f"{n}", PHOTOS - 0.01 * abs(n - 4), lr=lr) for n, lr in enumerate(rates)]
    (effect,) = main_effects(rank(runs, shipped)).settings
    assert effect.key == "optimizer.lr" and sum(level.runs for level in effect.levels) == 9
    assert [level.label.split()[0] for level in effect.levels][0] not in ("up", "above")


def test_one_run_has_no_effects(make_record: Make, shipped: Shipped) -> None:
    assert main_effects(rank([make_record("a", PHOTOS)], shipped)) == Effects((), (), 0, True)
