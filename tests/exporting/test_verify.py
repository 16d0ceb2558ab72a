from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from humanseg.exporting.folder import FORMATS
from humanseg.exporting.runners import Outputs, Runner
from humanseg.exporting.verify import Tally, compare_on, complaints, odd_faults

Change = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def brightness(photos: NDArray[np.uint8]) -> Outputs:
    """A model that takes what is bright for person."""
    probability = np.asarray(photos.mean(1, keepdims=True) / 255, np.float32)
    return probability, np.asarray(probability > 0.5, np.uint8)


def changed(change: Change) -> Runner:
    def run(photos: NDArray[np.uint8]) -> Outputs:
        probability = change(brightness(photos)[0].copy())
        return probability, np.asarray(probability > 0.5, np.uint8)

    return run


def batches(count: int = 4, height: int = 100, width: int = 100) -> list[dict[str, Any]]:
    generator = np.random.default_rng(0)
    photos = generator.integers(0, 256, (count, 3, height, width), np.uint8)
    image = torch.from_numpy(photos)
    truth = torch.from_numpy(brightness(photos)[1])
    ids = [str(index) for index in range(count)]
    return [
        {"image": image[at : at + 2], "mask": truth[at : at + 2], "id": ids[at : at + 2]}
        for at in range(0, count, 2)
    ]


def compare(run: Runner) -> tuple[Tally, Tally]:
    said, tallies = compare_on(batches(), brightness, {"file": run}, 0.5)
    return said, tallies["file"]


def flip(pixels: int) -> Change:
    def change(probability: NDArray[np.float32]) -> NDArray[np.float32]:
        # Two photos a batch: the first of each is changed.
        flat = probability[0].reshape(-1)
        flat[:pixels] = 1 - flat[:pixels]
        return probability

    return change


def test_the_same_model_is_the_same() -> None:
    said, tally = compare(changed(lambda probability: probability))
    assert said.dice == tally.dice == pytest.approx(1)
    assert (tally.pixels, tally.differing, tally.faults) == (40_000, 0, [])
    assert tally.scores.table()["id"].tolist() == ["0", "1", "2", "3"]


@pytest.mark.parametrize(("pixels", "good"), [(2, True), (3, False)])
def test_an_exact_file_may_differ_in_a_pixel_of_ten_thousand(pixels: int, good: bool) -> None:
    said, tally = compare(changed(flip(pixels)))
    assert tally.differing == 2 * pixels
    found = complaints(FORMATS["onnx"], tally, said, 0.003)
    assert (found == []) == good
    assert good or "6 of 40,000 pixels" in found[0]


def test_an_exact_file_must_have_the_checkpoints_dice() -> None:
    said, tally = compare(changed(flip(40)))
    (pixels, dice) = complaints(FORMATS["pt2"], tally, said, 0.003)
    assert f"{tally.dice:.6f}" in dice and "pixels" in pixels


@pytest.mark.parametrize("name", ["int8", "fp16"])
def test_other_files_may_lose_what_is_allowed(name: str) -> None:
    said, tally = compare(changed(flip(40)))
    drop = said.dice - tally.dice
    assert complaints(FORMATS[name], tally, said, drop + 1e-6) == []
    (found,) = complaints(FORMATS[name], tally, said, drop - 1e-6)
    assert f"loses {drop:.4f}" in found and "--max-drop" in found


def test_a_dice_that_is_no_number_is_refused() -> None:
    said, tally = compare(changed(lambda probability: probability * np.float32("nan")))
    assert any("not all between 0 and 1" in each for each in tally.faults)
    assert complaints(FORMATS["int8"], tally, said, 0.003)


def wrong_type(photos: NDArray[np.uint8]) -> Any:
    probability, mask = brightness(photos)
    return probability.astype(np.float64), mask


def wrong_shape(photos: NDArray[np.uint8]) -> Outputs:
    probability, mask = brightness(photos)
    return probability[..., :-1], mask[..., :-1]


def wrong_mask(photos: NDArray[np.uint8]) -> Outputs:
    probability, mask = brightness(photos)
    return probability, 1 - mask


def knows_its_neighbours(photos: NDArray[np.uint8]) -> Outputs:
    probability, mask = brightness(photos)
    probability = probability * 0.5 + probability.mean(0, keepdims=True) * 0.5
    return probability, np.asarray(probability > 0.5, np.uint8)


def only_multiples_of_eight(photos: NDArray[np.uint8]) -> Outputs:
    probability, mask = brightness(photos)
    if photos.shape[2] % 8:
        probability = np.asarray(probability * 0.9, np.float32)
    return probability, np.asarray(probability > 0.5, np.uint8)


@pytest.mark.parametrize(
    ("run", "exact", "fault"),
    [
        (brightness, True, None),
        (wrong_type, False, "float64"),
        (wrong_shape, False, "not (1, 1, 1, 1)"),
        (wrong_mask, False, "the mask is not where"),
        (knows_its_neighbours, True, "in a batch"),
        (knows_its_neighbours, False, "in a batch"),
        (only_multiples_of_eight, True, "at 1×1, a probability is off by"),
        (only_multiples_of_eight, False, None),
    ],
)
def test_odd_sizes_and_batches_are_tried(run: Runner, exact: bool, fault: str | None) -> None:
    photo = np.random.default_rng(1).integers(0, 256, (90, 70, 3), np.uint8)
    found = odd_faults(photo, brightness, run, exact, 0.5)
    assert (found == []) == (fault is None), found
    assert fault is None or any(fault in each for each in found)
