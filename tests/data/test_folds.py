"""Folds of train."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from humanseg.data.folds import fold_ids
from humanseg.errors import HumansegError
from tests.data.conftest import Open, concerns, ids_of


def test_folds_are_apart_and_together_everything() -> None:
    ids = [str(number) for number in range(103)]
    parts = [fold_ids(ids, fold, 5) for fold in range(5)]
    assert sorted(identity for part in parts for identity in part) == sorted(ids)
    assert {len(part) for part in parts} == {20, 21}
    assert parts[0] != sorted(parts[0], key=int)[: len(parts[0])]


def test_folds_do_not_follow_the_order_of_the_ids() -> None:
    ids = [str(number) for number in range(50)]
    mixed = list(np.random.default_rng(0).permutation(ids))
    assert all(set(fold_ids(ids, k, 5)) == set(fold_ids(mixed, k, 5)) for k in range(5))
    # Neighbours were photographed one after the other: a fold is no run of neighbours.
    assert sorted(map(int, fold_ids(ids, 0, 5))) != list(range(10))
    assert sorted(map(int, fold_ids(ids, 0, 5))) != list(range(0, 50, 5))


def test_a_fold_trains_and_validates_within_train(root: Path, opened: Open) -> None:
    shutil.rmtree(root / "valid")
    shutil.rmtree(root / "valid_mask")
    validated: list[str] = []
    for fold in range(3):
        data = opened(root=str(root), fold=fold, folds=3)
        data.check()
        train, valid = data.split("train").ids, data.split("valid").ids
        assert not set(train) & set(valid)
        assert sorted(train + valid) == list("012345")
        assert sorted(ids_of(list(data.val_dataloader()))) == sorted(valid)
        assert data.record() | {"valid_sha256": ""} == {
            "train": 4,
            "valid": 2,
            "test": 2,
            "fold": fold,
            "folds": 3,
            "valid_sha256": "",
        }
        validated += valid
    assert sorted(validated) == list("012345")


def test_a_photo_that_is_in_both_parts_is_pointed_out(root: Path, opened: Open) -> None:
    data = opened(root=str(root), fold=0, folds=3)
    (train, *_), (valid, *_) = data.items("train"), data.items("valid")
    assert concerns(data) == []
    shutil.copy(train.photo, valid.photo)
    (text,) = concerns(opened(root=str(root), fold=0, folds=3))
    assert text.startswith(f"1 train photo ({train.id}) is in data.fold=0 too, ")


def test_without_a_fold_valid_must_be_there(root: Path, opened: Open) -> None:
    shutil.rmtree(root / "valid_mask")
    with pytest.raises(HumansegError, match="valid_mask"):
        opened(root=str(root)).check()


def test_more_folds_than_photos_are_refused(opened: Open) -> None:
    with pytest.raises(HumansegError, match="data.folds=20"):
        opened(fold=19, folds=20).record()
