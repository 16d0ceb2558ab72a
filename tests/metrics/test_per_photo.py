"""Scores per photo: the task's formulas, whatever the batches, the processes and the order."""

import math
import multiprocessing as mp
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from humanseg.errors import HumansegError
from humanseg.io.names import natural_key
from humanseg.metrics import scores as task
from humanseg.metrics.per_photo import GRID, MEANS, PerPhotoScores

IDS = ["10", "9", "a b/ü", "2", "x" * 40, "100", "7"]


def photos(size: tuple[int, int] = (40, 30)) -> tuple[Tensor, Tensor]:
    """Seven photos; the fourth has an empty mask, the fifth a full one, the last is missed."""
    generator = torch.Generator().manual_seed(0)
    rows, columns = torch.meshgrid(*(torch.arange(side) for side in size), indexing="ij")
    target = torch.zeros(len(IDS), 1, *size, dtype=torch.uint8)
    for index in range(len(IDS)):
        target[index, 0] = (rows - 20) ** 2 + (columns - 10 - 2 * index) ** 2 < 30 + 20 * index
    target[3], target[4] = 0, 1
    noise = torch.randn(target.shape, generator=generator)
    probability = torch.sigmoid(2 * (2 * target.float() - 1) + 2 * noise)
    probability[6] = 0
    return probability, target


def scored(batches: list[list[int]], threshold: float = 0.5) -> PerPhotoScores:
    probability, target = photos()
    scores = PerPhotoScores(threshold)
    for batch in batches:
        scores.update(probability[batch], target[batch], [IDS[index] for index in batch])
    return scores


EVERY = list(range(len(IDS)))


def hard(threshold: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    probability, target = photos()
    return (probability[:, 0] > threshold).numpy(), target[:, 0].bool().numpy()


@pytest.mark.parametrize("threshold", [0.5, 0.35, 0.123])
def test_each_photo_scores_as_the_tasks_numpy_does(threshold: float) -> None:
    rows = scored([EVERY], threshold).per_photo()
    for id, prediction, truth in zip(IDS, *hard(threshold), strict=True):
        row = rows.loc[id]
        assert row.dice == pytest.approx(task.dice(prediction, truth), abs=1e-12)
        assert row.iou == pytest.approx(task.iou(prediction, truth), abs=1e-12)
        edge = task.boundary_dice(prediction, truth)
        assert row.boundary_dice == pytest.approx(edge, abs=1e-12, nan_ok=True)
        assert row.foreground == pytest.approx(truth.mean())
        hit = (prediction & truth).sum()
        assert row.precision == pytest.approx(hit / max(prediction.sum(), 1))
        assert row.recall == pytest.approx(hit / max(truth.sum(), 1))


def test_the_means_are_over_photos() -> None:
    scores = scored([EVERY])
    rows = scores.per_photo()
    means = scores.compute()
    assert tuple(means) == MEANS
    assert {type(value) for value in means.values()} == {float}
    for name in MEANS:
        assert means[name] == pytest.approx(np.nanmean(rows[name]), abs=1e-12)
    predictions, truths = hard(0.5)
    pooled = task.dice(predictions.reshape(-1, 30), truths.reshape(-1, 30))
    assert abs(means["dice"] - pooled) > 0.01
    assert rows["boundary_dice"].isna().sum() == 2


def test_rows_are_sorted_naturally_and_keep_any_id() -> None:
    assert list(scored([EVERY]).per_photo().index) == sorted(IDS, key=natural_key)


def test_batches_and_their_order_do_not_matter() -> None:
    whole = scored([EVERY])
    for batches in ([[index] for index in EVERY], [[5, 1, 0], [2, 6], [3, 4]]):
        parts = scored(batches)
        assert parts.compute() == whole.compute()
        assert parts.per_photo().equals(whole.per_photo())


def test_photos_of_several_sizes() -> None:
    scores = PerPhotoScores()
    for size, id in (((40, 30), "a"), ((64, 80), "b")):
        probability, target = photos(size)
        scores.update(probability[:1], target[:1], [id])
    assert list(scores.per_photo().index) == ["a", "b"]


def test_a_photo_seen_twice_counts_once() -> None:
    assert scored([EVERY, [6, 0]]).compute() == scored([EVERY]).compute()


def test_both_empty_scores_0_as_in_the_task() -> None:
    scores = PerPhotoScores()
    empty = torch.zeros(1, 1, 8, 8)
    scores.update(empty, empty.byte(), ["empty"])
    row = scores.per_photo().loc["empty"]
    assert (row.dice, row.iou, row.precision, row.recall, row.foreground) == (0, 0, 0, 0, 0)
    assert scores.compute()["dice"] == 0 and math.isnan(scores.compute()["boundary_dice"])


def test_dice_at_every_threshold() -> None:
    scores = scored([EVERY])
    assert scores.thresholds == GRID and 0.5 in GRID
    for threshold in GRID:
        expected = np.mean([task.dice(a, b) for a, b in zip(*hard(threshold), strict=True)])
        assert scores.dice_at(threshold) == pytest.approx(expected, abs=1e-12)
    assert scores.compute()["dice"] == scores.dice_at(0.5)


def test_a_probability_at_the_threshold_is_background() -> None:
    for threshold in (*GRID, 1 / 3):
        scores = PerPhotoScores(threshold)
        probability = torch.full((1, 1, 4, 4), threshold)
        probability[..., 0] = math.nan
        probability[..., 1] = torch.nextafter(torch.tensor(threshold), torch.tensor(1.0))
        target = torch.ones(1, 1, 4, 4)
        scores.update(probability, target, ["edge"])
        row = scores.per_photo().loc["edge"]
        assert (row.precision, row.recall) == pytest.approx((1, 0.25))
        assert row.dice == pytest.approx(0.4) == scores.dice_at(threshold)


def test_best_threshold() -> None:
    target = torch.zeros(1, 1, 10, 10)
    target[..., :5] = 1
    probability = torch.where(target == 1, 0.32, 0.21)
    scores = PerPhotoScores()
    scores.update(probability, target, ["low"])
    # 0.25 and 0.3 are both right.
    assert scores.best_threshold() == 0.3
    assert scores.dice_at(0.3) == pytest.approx(1) and scores.compute()["dice"] == 0


def test_a_reset_forgets_and_an_update_after_compute_counts() -> None:
    scores = scored([[0, 1]])
    first = scores.compute()
    probability, target = photos()
    scores.update(probability[2:3], target[2:3], ["2"])
    assert scores.compute() != first and len(scores.per_photo()) == 3
    scores.reset()
    scores.update(probability[:2], target[:2], IDS[:2])
    assert scores.compute() == first


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_no_photo_is_an_error() -> None:
    with pytest.raises(ValueError, match="no photo"):
        PerPhotoScores().compute()


def test_mistaken_calls_are_refused() -> None:
    probability, target = photos()
    scores = PerPhotoScores()
    with pytest.raises(ValueError, match="N ids"):
        scores.update(probability, target, IDS[:3])
    with pytest.raises(ValueError, match="one shape"):
        scores.update(probability, target[:, 0], IDS)
    for threshold in (0.0, 1.0, math.nan):
        with pytest.raises(HumansegError, match="threshold"):
            PerPhotoScores(threshold)
    scores.update(probability, target, IDS)
    with pytest.raises(ValueError):
        scores.dice_at(0.777)


def test_145_photos_take_well_under_a_second() -> None:
    probability, target = torch.rand(16, 1, 320, 240), torch.zeros(16, 1, 320, 240)
    target[..., 60:, 40:180] = 1
    start = time.process_time()
    scores = PerPhotoScores()
    for batch in range(9):
        scores.update(probability, target, [f"{batch}/{index}" for index in range(16)])
    scores.compute()
    scores.best_threshold()
    assert time.process_time() - start < 1


def _score_in_a_process(rank: int, parts: list[list[int]], meeting: Path) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=meeting.as_uri(), rank=rank, world_size=len(parts)
    )
    scores = scored([parts[rank]] if parts[rank] else [])
    means = scores.compute()
    assert means == scored_alone(), (rank, means)
    # Only one process writes files: what it asks for must not wait for the others.
    if rank == 0:
        assert list(scores.per_photo().index) == sorted(IDS, key=natural_key)
        assert scores.best_threshold() in GRID
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


def scored_alone() -> dict[str, float]:
    probability, target = photos()
    scores = PerPhotoScores(distributed_available_fn=lambda: False)
    scores.update(probability, target, IDS)
    return scores.compute()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_two_processes_agree_with_one(tmp_path: Path) -> None:
    # Shares of different length with a photo in both; then a process without any photo.
    context = mp.get_context("fork")
    for number, parts in enumerate(([[0, 3, 4, 5], [1, 2, 6, 0, 3]], [EVERY, []])):
        workers = [
            context.Process(target=_score_in_a_process, args=(rank, parts, tmp_path / str(number)))
            for rank in range(2)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
        codes = [worker.exitcode for worker in workers]
        for worker in workers:
            worker.kill()
        assert codes == [0, 0]
