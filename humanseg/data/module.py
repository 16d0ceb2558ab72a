"""The five folders as a LightningDataModule."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from humanseg.data.augmentation import Augmentation
from humanseg.data.checks import Checked, find_fatal, raise_problems
from humanseg.data.dataset import TrainPhotos, WholePhotos, collate
from humanseg.data.fit import Fit
from humanseg.data.folders import Item, list_items
from humanseg.data.folds import fold_ids
from humanseg.data.sampling import SameSizeBatches, SeededOrder, TimedLoader, worker_threads
from humanseg.data.store import Cache, Decoded, DecodedOnTheFly, PhotoStore, open_store
from humanseg.errors import HumansegError
from humanseg.task import SPLITS

Role = Literal["train", "valid", "test"]


@dataclass(frozen=True)
class Part:
    """The photos that play one role: their items, ids and decoded pixels."""

    items: list[Item]
    store: PhotoStore

    @property
    def ids(self) -> list[str]:
        """The photos' ids, in the order of the store."""
        return [item.id for item in self.items]


class PhotoData(pl.LightningDataModule):
    """Photos and masks in `train`, `train_mask`, `valid`, `valid_mask`, `test`.

    Parameters
    ----------
    root
        The folder that holds the five.
    augmentation
        What is done to each train photo and its mask.
    seed
        Order and augmentation follow from it, the epoch and the photo's id.
    batch_size
        Photos in a batch.
    size
        Height and width of a train sample; None: the size of most train photos.
    fit
        How a train photo of another size is brought there.
    long_side
        Train photos are scaled to this longer side first; None: as they are. Valid and test
        photos keep their size: the `Segmenter` scales them.
    workers
        Processes that prepare train batches; None: as many as pay on this machine.
    cache, cache_gb
        Where decoded photos are kept, and how many gigabytes at most of each role's.
    fold, folds
        With a fold, train and valid are both taken from `train`: one part in `folds` validates.

    Raises
    ------
    HumansegError
        Names every option that is impossible.
    """

    def __init__(
        self,
        root: str,
        augmentation: Augmentation,
        seed: int = 0,
        batch_size: int = 16,
        size: Sequence[int] | None = None,
        fit: Fit = "resize",
        long_side: int | None = None,
        workers: int | None = None,
        cache: Cache = "memory",
        cache_gb: float = 4.0,
        fold: int | None = None,
        folds: int = 5,
    ) -> None:
        super().__init__()
        mistakes = [
            *_too_small(batch_size=batch_size, long_side=long_side, folds=folds, workers=workers),
            *_wrong_size(size),
            *_wrong_fold(fold, folds),
        ]
        if mistakes:
            raise HumansegError("\n".join(mistakes))
        self.root = Path(root).expanduser()
        self.batch_size = batch_size
        self._augmentation = augmentation
        self._seed = seed
        self._size = size
        self._fit: Fit = fit
        self._long_side = long_side
        self._workers = default_workers() if workers is None else workers
        self._cache: Cache = cache
        self._cache_gb = cache_gb
        self.fold = fold
        self._folds = folds
        self._parts: dict[Role, Part] = {}
        self._decoded: Decoded = {}
        self._held = 0

    def items(self, role: Role) -> list[Item]:
        """List the photos that play a role, folds considered, naturally sorted by id."""
        if role == "test":
            return list_items(self.root, "test", masks=False)
        if self.fold is None:
            return list_items(self.root, role, masks=True)
        items = list_items(self.root, "train", masks=True)
        inside = set(fold_ids([item.id for item in items], self.fold, self._folds))
        return [item for item in items if (item.id in inside) == (role == "valid")]

    def check(self) -> None:
        """Find all that would stop a training, in every split, before it starts.

        Raises
        ------
        HumansegError
            Names every problem.
        """
        splits = SPLITS if self.fold is None else ("train", "test")
        keep = self._keep if self._cache == "memory" else None
        raise_problems(self.root, find_fatal(self.root, splits, keep))

    def _keep(self, checked: Checked) -> None:
        """Keep what the check has decoded for the stores, as far as the bound allows."""
        assert checked.photo is not None
        self._held += checked.photo.nbytes + (0 if checked.mask is None else checked.mask.nbytes)
        if self._held <= self._cache_gb * 1e9:
            self._decoded[checked.item.photo] = checked.photo, checked.mask
        else:
            self._decoded.clear()

    def part(self, role: Role) -> Part:
        """Decode the photos of a role, once.

        Raises
        ------
        HumansegError
            The split is missing or empty.
        """
        if role not in self._parts:
            items = self.items(role)
            long_side = self._long_side if role == "train" else None
            store = open_store(items, self._cache, self._cache_gb, long_side, self._decoded)
            self._parts[role] = Part(items, store)
        return self._parts[role]

    def prepare_data(self) -> None:
        """Fill a disk cache once, before other processes map it."""
        if self._cache == "disk":
            for role in ("train", "valid"):
                self.part(role)

    def train_size(self) -> tuple[int, int]:
        """Height and width of a train sample."""
        if self._size is not None:
            return int(self._size[0]), int(self._size[1])
        store = self.part("train").store
        sizes = Counter(store.size(index) for index in range(len(store)))
        return sizes.most_common(1)[0][0]

    def train_dataloader(self) -> DataLoader[Any]:
        """Augmented photos, in an order that follows from seed and epoch."""
        part = self.part("train")
        size = self.train_size()
        photos = TrainPhotos(part.ids, part.store, self._augmentation, size, self._fit, self._seed)
        rank, replicas = (
            (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        )
        order = SeededOrder(len(photos), self._seed, rank, replicas)
        return TimedLoader(
            photos,
            batch_size=self.batch_size,
            sampler=order,
            # A last batch of one photo would upset batch norm; that photo waits for another epoch.
            drop_last=len(order) > 1 and len(order) % self.batch_size == 1 < self.batch_size,
            collate_fn=collate,
            num_workers=self._workers,
            persistent_workers=self._workers > 0,
            prefetch_factor=4 if self._workers else None,
            worker_init_fn=worker_threads,
            pin_memory=torch.cuda.is_available(),
        )

    def val_dataloader(self) -> DataLoader[Any]:
        """Whole valid photos with masks."""
        return self.whole_photos("valid")

    def whole_photos(self, role: Role) -> DataLoader[Any]:
        """Photos of a role at their own size, each once, in batches of one size."""
        if role == "train" and self._long_side is not None:
            # Those that are kept were scaled, and scores are taken at a photo's own size.
            items = self.items(role)
            part = Part(items, DecodedOnTheFly(items))
        else:
            part = self.part(role)
        sizes = [part.store.size(index) for index in range(len(part.store))]
        return DataLoader(
            WholePhotos(part.ids, part.store),
            batch_sampler=SameSizeBatches(sizes, self.batch_size),
            collate_fn=collate,
        )

    def record(self) -> dict[str, Any]:
        """Say which data this is: counts, and a fingerprint of the valid ids and masks.

        Returns
        -------
        dict
            `train`, `valid`, `test` counts; `fold` and `folds` where used; `valid_sha256`.
        """
        counts: dict[str, Any] = {role: len(self.part(role).items) for role in ("train", "valid")}
        counts["test"] = len(self.items("test"))
        if self.fold is not None:
            counts |= {"fold": self.fold, "folds": self._folds}
        return counts | {"valid_sha256": self.fingerprint()}

    def fingerprint(self) -> str:
        """SHA-256 over the valid ids and masks: scores on equal ones can be compared."""
        return _fingerprint(self.part("valid"))


def default_workers() -> int:
    """Choose the worker processes that pay on this machine.

    Returns
    -------
    int
        A GPU is fed by several. On a CPU of few cores, one that prepares the next batches
        costs less than the training's waiting for them.
    """
    cores = torch.get_num_threads()
    return min(8, cores - 1) if torch.cuda.is_available() else min(1, cores - 1)


def _too_small(**options: int | None) -> Iterator[str]:
    smallest = {"batch_size": 1, "long_side": 1, "folds": 2, "workers": 0}
    for name, value in options.items():
        if value is not None and value < smallest[name]:
            yield f"data.{name}={value} is too small: give {smallest[name]} or more."


def _wrong_size(size: Sequence[int] | None) -> Iterator[str]:
    if size is not None and (len(size) != 2 or min(size) < 1):
        yield f"data.size={list(size)} is no size: give [height, width]."


def _wrong_fold(fold: int | None, folds: int) -> Iterator[str]:
    if fold is not None and folds > 1 and not 0 <= fold < folds:
        yield f"data.fold={fold} does not exist: give 0 to {folds - 1}."


def _fingerprint(part: Part) -> str:
    digest = hashlib.sha256()
    for index, identity in enumerate(part.ids):
        _, mask = part.store[index]
        assert mask is not None
        digest.update(f"{identity}\0{mask.shape}\0".encode())
        digest.update(mask.tobytes())
    return digest.hexdigest()
