"""Predicting a split: ids, pixels and probabilities that belong together, one photo at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from omegaconf import DictConfig
from torch import Tensor, nn

from humanseg.data.module import PhotoData
from humanseg.data.transforms.augmentation import Augmentation
from humanseg.evaluation.predict import (
    Prediction,
    PredictionWriter,
    predict_split,
    write_predictions,
)
from humanseg.evaluation.predictor import CheckpointPredictor, choose_threshold
from humanseg.models.segmenter import Segmenter


class Net(nn.Module):
    """Says 0 everywhere; where it is lopsided, it is sure of the left half of any photo."""

    def __init__(self, lopsided: bool = False) -> None:
        super().__init__()
        self.lopsided = lopsided

    def forward(self, image: Tensor) -> Tensor:
        logits = image.mean(1, keepdim=True) * 0
        if self.lopsided:
            logits[..., : image.shape[-1] // 2] += 4
        return logits


def predictor(**options: Any) -> CheckpointPredictor:
    net = Net(options.pop("lopsided", False))
    return CheckpointPredictor(Segmenter(net, (0.5,) * 3, (0.5,) * 3, stride=1), **options)


class Photos:
    """Photos of two sizes in batches, as `PhotoData` gives them."""

    def __init__(self, with_mask: bool = True) -> None:
        generator = torch.Generator().manual_seed(0)
        self.batches: list[dict[str, Any]] = []
        for ids, height in ((["10", "2"], 8), (["<x>"], 5)):
            draw = (len(ids), 3, height, 6)
            batch: dict[str, Any] = {"id": ids}
            batch["image"] = torch.randint(0, 256, draw, dtype=torch.uint8, generator=generator)
            if with_mask:
                batch["mask"] = (batch["image"][:, :1] > 127).to(torch.uint8)
            self.batches.append(batch)

    def whole_photos(self, split: str) -> Iterator[dict[str, Any]]:
        assert split == "valid"
        yield from self.batches

    def items(self, split: str) -> list[str]:
        return [id for batch in self.batches for id in batch["id"]]


def predicted(photos: Photos) -> list[Prediction]:
    return list(predict_split(predictor(), cast(PhotoData, photos), "valid"))


def test_a_prediction_carries_its_id_and_its_photo() -> None:
    photos = Photos()
    predictions = predicted(photos)
    assert [each.id for each in predictions] == ["10", "2", "<x>"]
    images = [
        (image, mask)
        for each in photos.batches
        for image, mask in zip(each["image"], each["mask"], strict=True)
    ]
    for prediction, (image, mask) in zip(predictions, images, strict=True):
        assert prediction.photo.dtype == np.uint8 and prediction.probability.dtype == np.float32
        assert np.array_equal(prediction.photo, image.permute(1, 2, 0).numpy())
        assert np.array_equal(prediction.require_truth(), mask[0].numpy())
        assert prediction.probability.shape == prediction.photo.shape[:2]
        assert (prediction.probability == 0.5).all()
        assert not prediction.mask(0.5).any(), "a pixel is person above the threshold, not at it"
        assert prediction.mask(0.49).all()


def test_photos_without_masks_have_no_truth() -> None:
    assert [each.truth for each in predicted(Photos(with_mask=False))] == [None] * 3


def test_mirrored_predictions_are_turned_back_and_averaged() -> None:
    image = Photos().batches[0]["image"]
    plain = predictor(lopsided=True)(image)
    both = predictor(lopsided=True, tta=True)(image)
    np.testing.assert_allclose(both, (plain + plain[..., ::-1]) / 2, rtol=1e-6)
    assert not np.allclose(both, plain)


class Recorder(PredictionWriter):
    """Notes what it is told; fails on a photo, where it shall."""

    def __init__(self, bad: str = "") -> None:
        self.told: list[str] = []
        self._bad = bad

    def start(self) -> None:
        self.told.append("start")

    def add(self, prediction: Prediction) -> None:
        if prediction.id == self._bad:
            raise ValueError("broken")
        self.told.append(prediction.id)

    def finish(self) -> None:
        self.told.append("finish")

    def discard(self) -> None:
        self.told.append("discard")


def test_every_writer_gets_every_photo_once() -> None:
    writers, moves = [Recorder(), Recorder()], []
    photos = cast(PhotoData, Photos())
    write_predictions(predictor(), photos, {"valid": writers}, lambda *counts: moves.append(counts))
    for writer in writers:
        assert writer.told == ["start", "10", "2", "<x>", "finish"]
    assert moves == [(1, 3), (2, 3), (3, 3)]


def test_where_one_writer_fails_all_leave_what_was_there() -> None:
    writers = [Recorder(), Recorder(bad="2")]
    with pytest.raises(ValueError, match="broken"):
        write_predictions(predictor(), cast(PhotoData, Photos()), {"valid": writers})
    assert [writer.told[-1] for writer in writers] == ["discard", "discard"]


class Counter(PredictionWriter):
    """Counts the photos."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, prediction: Prediction) -> None:
        self.count += 1


def test_photos_are_let_go_as_they_come(sample_root: Path) -> None:
    """Of large photos in great number, not all predictions fit in memory."""
    photos = PhotoData(str(sample_root), Augmentation([]), batch_size=2)
    predictions = predict_split(predictor(), photos, "train")
    first = next(predictions)
    bases = {id(first.probability.base)}
    bases |= {id(each.probability.base) for each in predictions}
    assert len(bases) == 3, "a batch of two shares its memory with no other"
    counter = Counter()
    write_predictions(predictor(), photos, {"train": [counter]})
    assert counter.count == 6


@pytest.mark.parametrize(("tta", "best"), [(False, 0.45), (True, 0.5)])
def test_a_threshold_is_tuned_on_predictions_as_they_will_be_made(tta: bool, best: float) -> None:
    photos = Photos()
    for batch in photos.batches:
        batch["mask"] = torch.ones_like(batch["mask"])
    # The right half has 0.5, or mirrored (0.98 + 0.5) / 2.
    lopsided, data = predictor(lopsided=True, tta=tta), cast(PhotoData, photos)
    assert choose_threshold(DictConfig({"threshold": "tune"}), lopsided, data) == best
    assert choose_threshold(DictConfig({"threshold": 0.3}), lopsided, data) == 0.3
