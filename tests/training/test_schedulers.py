from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from torch import nn

from humanseg.config.checking.check import find_mistakes
from humanseg.config.find import conf_folder
from humanseg.runs import RunFolder
from humanseg.runs.record import read_history
from humanseg.training.schedulers import Constant, Cosine, OneCycle, Plateau, SchedulerRecipe

RATE = 0.1


def rates(recipe: SchedulerRecipe, steps: int) -> list[float]:
    """The rate of each optimizer step."""
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=RATE)
    config = recipe(optimizer, total_steps=steps, batches_per_epoch=10)
    assert config["interval"] == "step"
    taken = []
    for _ in range(steps):
        taken.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        config["scheduler"].step()
    return taken


def rises(values: list[float]) -> bool:
    return all(a < b for a, b in zip(values, values[1:], strict=False))


def test_one_cycle_goes_up_and_down_again() -> None:
    taken = rates(OneCycle(warmup_fraction=0.25, start_factor=0.04, end_factor=1e-4), 101)
    assert taken[0] == pytest.approx(0.04 * RATE)
    assert taken[25] == pytest.approx(RATE) == max(taken)
    assert taken[-1] == pytest.approx(1e-4 * RATE)
    assert rises(taken[:26]) and rises(taken[25:][::-1])
    # Half cosines: half-way between their ends in the middle.
    assert taken[63] == pytest.approx(RATE / 2, rel=0.03)


def test_cosine_warms_up_in_a_line_and_then_falls() -> None:
    taken = rates(Cosine(warmup_fraction=0.1, end_factor=0.0), 101)
    assert 0 < taken[0] < 0.05 * RATE
    assert taken[5] == pytest.approx(RATE / 2) and taken[10] == pytest.approx(RATE)
    assert taken[55] == pytest.approx(RATE / 2)
    assert taken[-1] == pytest.approx(0)
    assert rises(taken[:11]) and rises(taken[10:][::-1])


def test_cosine_without_warm_up_starts_at_the_highest_rate() -> None:
    taken = rates(Cosine(warmup_fraction=0.0, end_factor=0.5), 11)
    assert taken[0] == pytest.approx(RATE) and taken[-1] == pytest.approx(RATE / 2)


def test_constant_stays() -> None:
    assert rates(Constant(), 7) == [RATE] * 7


@pytest.mark.parametrize("recipe", [OneCycle(), Cosine(), Constant()])
def test_a_training_of_one_step_has_a_rate(recipe: SchedulerRecipe) -> None:
    (only,) = rates(recipe, 1)
    assert 0 < only <= RATE


@pytest.mark.parametrize(
    ("group", "option", "says"),
    [
        (
            "one_cycle",
            "warmup_fraction=1.5",
            "scheduler.warmup_fraction: 1.5 is not a number from 0 to 1",
        ),
        ("cosine", "end_factor=-1", "scheduler.end_factor: -1 is not"),
        ("plateau", "factor=1.0", "scheduler.factor: 1.0 is not a number above 0 and below 1"),
        ("plateau", "patience=-1", "scheduler.patience: -1 is not a whole number of at least 0"),
    ],
)
def test_an_impossible_option_is_named(group: str, option: str, says: str) -> None:
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        config = compose("train", [f"scheduler={group}", f"scheduler.{option}"])
    (mistake,) = find_mistakes(config)
    assert mistake.startswith(says)


def as_torch_does(warmup: float, steps: int) -> list[float]:
    """The rates of torch's own one-cycle schedule, its peak laid where ours has it."""
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        RATE,
        total_steps=steps,
        pct_start=(warmup * (steps - 1) + 1) / steps,
        div_factor=1 / 0.04,
        final_div_factor=0.04 / 1e-4,
        cycle_momentum=False,
    )
    taken = []
    for _ in range(steps):
        taken.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return taken


@pytest.mark.parametrize("steps", [2, 20, 101])
def test_one_cycle_is_that_of_torch(steps: int) -> None:
    ours = rates(OneCycle(warmup_fraction=0.25, start_factor=0.04, end_factor=1e-4), steps)
    assert ours == pytest.approx(as_torch_does(0.25, steps))


def test_torch_still_keeps_the_length_of_a_schedule_in_a_checkpoint() -> None:
    """Why the curves here are our own: where this fails, torch's can take their place."""
    weights = nn.Linear(1, 1).parameters()
    optimizer = torch.optim.SGD(weights, lr=RATE)
    one_cycle = torch.optim.lr_scheduler.OneCycleLR
    short = one_cycle(optimizer, RATE, total_steps=10).state_dict()
    longer = one_cycle(optimizer, RATE, total_steps=20)
    longer.load_state_dict(short)
    assert longer.total_steps == 10


@pytest.mark.parametrize("recipe", [OneCycle(), Cosine()])
def test_a_schedule_that_goes_on_over_more_steps_takes_its_place_in_them(
    recipe: SchedulerRecipe,
) -> None:
    def schedule(steps: int) -> tuple[torch.optim.Optimizer, Any]:
        optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=RATE)
        return optimizer, recipe(optimizer, steps, 10)["scheduler"]

    optimizer, short = schedule(10)
    for _ in range(10):
        optimizer.step()
        short.step()
    state = short.state_dict()
    optimizer, longer = schedule(20)
    longer.load_state_dict(state)
    optimizer.step()
    longer.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(rates(recipe, 20)[11])


def test_each_group_keeps_its_share() -> None:
    groups = [{"params": [nn.Parameter(torch.zeros(1))], "lr": rate} for rate in (0.1, 0.01)]
    optimizer = torch.optim.SGD(groups)
    schedule = OneCycle()(optimizer, total_steps=20, batches_per_epoch=10)["scheduler"]
    for _ in range(20):
        first, second = (group["lr"] for group in optimizer.param_groups)
        assert first == pytest.approx(10 * second)
        optimizer.step()
        schedule.step()


def test_plateau_lowers_the_rate_when_the_dice_stalls() -> None:
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=RATE)
    config = Plateau(factor=0.5, patience=2)(optimizer, total_steps=100, batches_per_epoch=10)
    assert config["monitor"] == "val/selection" and config["reduce_on_plateau"]
    taken = []
    for dice in (0.5, 0.6, 0.7, 0.7, 0.69, 0.7, 0.8):
        config["scheduler"].step(dice)
        taken.append(optimizer.param_groups[0]["lr"])
    assert taken == pytest.approx([RATE] * 5 + [RATE / 2] * 2)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_plateau_looks_at_every_epoch_of_a_training(
    train_run: Callable[..., RunFolder], tmp_path: Path, accumulate: int
) -> None:
    """Dice cannot rise at a rate of next to nothing, so the rate falls at each epoch after it."""
    run = train_run(
        tmp_path / "run",
        "scheduler=plateau",
        "scheduler.patience=0",
        "optimizer.lr=1e-12",
        "trainer.max_epochs=3",
        "trainer.limit_train_batches=3",
        f"trainer.accumulate_grad_batches={accumulate}",
    )
    taken = read_history(run.history)["lr"].tolist()
    assert taken == pytest.approx([1e-12, 5e-13, 2.5e-13])
