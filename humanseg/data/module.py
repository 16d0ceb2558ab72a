"""The five folders as a LightningDataModule."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import pytorch_lightning as pl
import torch
from annotated_types import Interval
from torch import Tensor
from torch.utils.data import ConcatDataset, DataLoader

from humanseg.config.ranges import Count, NotNegative, Processes, Seed, Share, Side, Text, Whole
from humanseg.data.cache.buffer import LayerCache
from humanseg.data.cache.photos import CacheMode
from humanseg.data.checks.concerns import as_sentences, large, shapes
from humanseg.data.dataset import TrainPhotos, WholePhotos, collate
from humanseg.data.folds import require_fold
from humanseg.data.layout.extra import Extra, source_of
from humanseg.data.layout.folders import Item
from humanseg.data.layout.mask_rule import MaskRule
from humanseg.data.photo_sets import LabelledPhotos, PhotoSet
from humanseg.data.pseudo_labels import filter_pseudo_labels
from humanseg.data.sampling import SameSizeBatches, SeededOrder, TimedLoader, worker_threads
from humanseg.data.splits import DatasetSplits, Split, SplitName
from humanseg.data.transforms.augmentation import Augmentation
from humanseg.data.transforms.resize import ResizeMode
from humanseg.data.workers import (
    PREFETCH,
    LoaderPlan,
    WorkerPhotos,
    default_workers,
    pass_through,
    plan_loading,
)


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
    crop_size
        Height and width of a train sample; None: the size of most train photos.
    resize_mode
        How a train photo of another size is brought there.
    train_size
        Train photos are scaled to this longer side first; None: as they are. Valid and test
        photos keep their size: the `Segmenter` scales them.
    workers
        Processes that prepare train batches; None: as many as pay on this machine.
    cache, cache_gb
        Where decoded photos are kept, and how many gigabytes at most of each split.
    fold, folds
        With a fold, train and valid are both taken from `train`: one of `folds` validates.
    min_component_area
        Components and holes of a train mask with fewer pixels than this are removed and filled;
        valid masks stay.
    unlabelled
        A folder of unlabelled photos to train on, with pseudo-labels of a teacher.
    min_confidence
        Unlabelled photos of which the teacher is less sure are left out; see `confidence`.
    extra, extra_valid
        More labelled photos, by the names of their sources: to train on, with a weight each, and
        to be scored on by source. See `ExtraFolder`.
    extra_root
        What the folders of both are relative to; None: `root`.
    person_values, invert_masks
        Which values of a mask are the person, and whether to turn masks round; see `MaskRule`.

    Raises
    ------
    HumansegError
        There is no such fold. Ranges are checked with the config.
    """

    def __init__(
        self,
        root: Text,
        augmentation: Augmentation,
        seed: Seed = 0,
        batch_size: Count = 16,
        crop_size: tuple[Side, Side] | None = None,
        resize_mode: ResizeMode = "resize",
        train_size: Side | None = None,
        workers: Processes | None = None,
        cache: CacheMode = "memory",
        cache_gb: NotNegative = 4.0,
        fold: Whole | None = None,
        folds: Annotated[int, Interval(ge=2)] = 5,
        min_component_area: Whole = 0,
        unlabelled: Text | None = None,
        min_confidence: Share = 0.0,
        extra: Extra | None = None,
        extra_valid: Extra | None = None,
        extra_root: Text | None = None,
        person_values: Sequence[Whole] = (),
        invert_masks: bool = False,
    ) -> None:
        super().__init__()
        require_fold(fold, folds)
        self.splits = DatasetSplits(
            Path(root).expanduser(),
            unlabelled=None if unlabelled is None else Path(unlabelled).expanduser(),
            extra=extra or {},
            extra_valid=extra_valid or {},
            extra_root=None if extra_root is None else Path(extra_root).expanduser(),
            fold=fold,
            folds=folds,
            train_size=train_size,
            min_component_area=min_component_area,
            cache=cache,
            cache_gb=cache_gb,
            rule=MaskRule(tuple(person_values), invert_masks),
        )
        self.root, self.fold = self.splits.root, fold
        self.batch_size = batch_size
        self._augmentation = augmentation
        self._seed = seed
        self._crop_size = crop_size
        self._resize_mode: ResizeMode = resize_mode
        self._workers = workers
        self._min_confidence = min_confidence
        self._train_sets: list[PhotoSet] | None = None

    def items(self, name: SplitName) -> list[Item]:
        """List the photos of a split, folds considered, naturally sorted by id."""
        return self.splits.items(name)

    def split(self, name: SplitName) -> Split:
        """Decode the photos of a split, once; those that are trained on at the train size."""
        return self.splits.split(name)

    def check(self, on_progress: Callable[[int, int], None] | None = None) -> None:
        """Raise one HumansegError that names all that would stop a training, in every split.

        `on_progress` is called with the number of photos that were read, and of all.
        """
        self.splits.check(on_progress)

    def require_sound(self, name: SplitName) -> None:
        """Raise one HumansegError that names all that is wrong with a split of the folder."""
        self.splits.require_sound(name)

    def concerns(self) -> list[str]:
        """Return what may spoil a training, a sentence each with the remedy, after `check`."""
        found = self.splits.concerns()
        size = self.sample_size()
        if self._resize_mode == "resize":
            found += shapes(self.root, self.split("train").sizes, size)
        if self._crop_size is None:
            found += large(self.root, size)
        return [*as_sentences(found), *(f"{line}." for line in self.splits.notices.lines())]

    def prepare_data(self) -> None:
        """Fill a disk cache once, before other processes map it."""
        self.splits.fill_disk_cache()

    def sample_size(self) -> tuple[int, int]:
        """Height and width of a train sample."""
        if self._crop_size is not None:
            return int(self._crop_size[0]), int(self._crop_size[1])
        return Counter(self.split("train").sizes).most_common(1)[0][0]

    def train_dataloader(self) -> DataLoader[Any]:
        """Augmented photos, in an order that follows from seed and epoch."""
        photos, order = self._train_photos()
        gpu = self.trainer is not None and self.trainer.strategy.root_device.type == "cuda"
        plan = self.loading(gpu, self._share()[1])
        return TimedLoader(
            WorkerPhotos(photos, plan.shared) if plan.workers else photos,
            batch_size=self.batch_size,
            sampler=order,
            # A last batch of one photo would upset batch norm; that photo waits for another epoch.
            drop_last=len(order) > 1 and len(order) % self.batch_size == 1 < self.batch_size,
            collate_fn=pass_through if plan.workers else collate,
            num_workers=plan.workers,
            persistent_workers=plan.workers > 0,
            prefetch_factor=PREFETCH if plan.workers else None,
            worker_init_fn=worker_threads,
            multiprocessing_context=plan.context,
            pin_memory=gpu,
        )

    def _train_photos(self) -> tuple[TrainPhotos, SeededOrder]:
        labelled = LabelledPhotos(*self._sets())
        photos = TrainPhotos(
            labelled, self._augmentation, self.sample_size(), self._resize_mode, self._seed
        )
        return photos, SeededOrder(len(photos), self._seed, *self._share(), labelled.weights)

    def first_samples(self, count: int) -> Tensor:
        """Return the photos that the first epoch begins with, augmented: uint8 (N, 3, H, W)."""
        photos, order = self._train_photos()
        return torch.stack([photos[draw]["image"] for draw in islice(order, count)])

    def loading(self, gpu: bool, processes: int = 1) -> LoaderPlan:
        """Plan how train batches are made here, where `processes` trainings share the memory."""
        wanted = default_workers(gpu) if self._workers is None else self._workers
        height, width = self.sample_size()
        # Photo, mask and soft labels, a byte for each value.
        return plan_loading(wanted, self.batch_size * height * width * 5 * processes)

    def val_dataloader(self) -> DataLoader[Any]:
        """Whole valid photos with masks; of several processes, each has its share of them.

        Those of `extra_valid` are among them.
        """
        return self._validated(*self._share())

    def _validated(self, rank: int, replicas: int) -> DataLoader[Any]:
        names: list[SplitName] = ["valid", "extra_valid"] if self.splits.extra_valid else ["valid"]
        return self._whole_photos(names, rank, replicas)

    def whole_photos(self, name: SplitName) -> DataLoader[Any]:
        """Photos of a split at their own size, each once, in batches of one size."""
        return self._whole_photos([name])

    def _whole_photos(
        self, names: Sequence[SplitName], rank: int = 0, replicas: int = 1
    ) -> DataLoader[Any]:
        splits = [self.splits.at_original_size(name) for name in names]
        sizes = [size for split in splits for size in split.sizes]
        return DataLoader(
            ConcatDataset([WholePhotos(split.ids, split.photos) for split in splits]),
            batch_sampler=SameSizeBatches(sizes, self.batch_size, rank=rank, replicas=replicas),
            collate_fn=collate,
        )

    def count_batches(self, processes: int = 1) -> tuple[int, int]:
        """Count the train and valid batches of an epoch, in each of so many processes."""
        draws = len(self.items("train"))
        if self.splits.extra:
            extra = self.splits.photo_set("extra")
            draws += round(sum(map(extra.weight, extra.chosen)))
        share = -(-draws // processes)
        valid = len(self._validated(0, processes))
        return -(-share // self.batch_size), valid

    def _share(self) -> tuple[int, int]:
        """Return the number of this process, and of how many."""
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)

    def use_soft_labels(self, soft: Mapping[SplitName, LayerCache]) -> dict[str, int]:
        """Train with soft labels, by split in the order of its photos, at their own size.

        Photos of a split without soft labels are trained on with their masks in place of them.
        Returns how many unlabelled photos are trained on, and how many are not; see
        `filter_pseudo_labels`.
        """
        counts: dict[str, int] = {}
        self._train_sets = [
            self.splits.photo_set(name, soft.get(name)) for name in self.splits.train_names
        ]
        if "unlabelled" in soft:
            self._train_sets[-1], counts = filter_pseudo_labels(
                self._train_sets[-1], self.splits.held_out(), self._min_confidence
            )
        return counts

    def _sets(self) -> list[PhotoSet]:
        """Return what is trained on, put together once."""
        if self._train_sets is None:
            self._train_sets = [self.splits.photo_set(name) for name in self.splits.train_names]
        return self._train_sets

    def extra_sources(self) -> dict[str, int]:
        """Count the extra photos of each source that are trained on."""
        photos = self.splits.photo_set("extra")
        return dict(Counter(source_of(photos.ids[index]) for index in photos.chosen))

    def record(self) -> dict[str, Any]:
        """Return which data this is: counts, the fold if any, and `valid_sha256`.

        With `extra`, after `check`, the digests of `train` and `valid` alone and of these photos
        too, and that of the photos of `extra_valid`.
        """
        names: tuple[SplitName, ...] = ("train", "valid", "test")
        counts: dict[str, Any] = {name: len(self.items(name)) for name in names}
        if self.fold is not None:
            counts |= {"fold": self.fold, "folds": self.splits.folds}
        if self.splits.extra:
            counts |= {"extra": self.extra_sources(), "extra_leaked": len(self.splits.leaked)}
            counts["root_sha256"] = self.splits.pixels_sha256("train", "valid")
            counts["extra_sha256"] = self.splits.pixels_sha256("extra")
        if self.splits.extra_valid:
            counts["extra_valid_sha256"] = self.splits.pixels_sha256("extra_valid")
        return counts | {"valid_sha256": self.valid_sha256()}

    def valid_sha256(self) -> str:
        """Hash the valid ids and masks: scores on equal ones can be compared."""
        return self.split("valid").masks_sha256()

    def pixels_sha256(self) -> str:
        """Hash the ids, photos and masks that are trained and validated on, after `check`."""
        names: tuple[SplitName, ...] = ("train", "extra") if self.splits.extra else ("train",)
        return self.splits.pixels_sha256(*names, "valid")
