"""The five folders as a LightningDataModule."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import pytorch_lightning as pl
from annotated_types import Interval
from torch.utils.data import DataLoader

from humanseg.config.ranges import Count, NotNegative, Processes, Seed, Share, Side, Text, Whole
from humanseg.data.cache.buffer import PackedLayers
from humanseg.data.cache.store import Cache
from humanseg.data.checks.before_training import require_sound
from humanseg.data.checks.concerns import large, shapes, told
from humanseg.data.dataset import TrainPhotos, WholePhotos, collate
from humanseg.data.layout.folders import Item
from humanseg.data.layout.mask_rule import MaskRule
from humanseg.data.options import default_workers, require_fold
from humanseg.data.pictures import Pictures, Source
from humanseg.data.pseudo_labels import trustworthy
from humanseg.data.sampling import SameSizeBatches, SeededOrder, TimedLoader, worker_threads
from humanseg.data.splits import Part, Parts, Role
from humanseg.data.transforms.augmentation import Augmentation
from humanseg.data.transforms.resize import Fit
from humanseg.data.workers import PREFETCH, Loading, WorkerPhotos, choose_loading, same


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
    clean_specks
        Parts of a train mask with fewer pixels than this are taken out; valid masks stay.
    unlabelled
        A folder of more photos to train on, without masks: with a teacher's opinion of them.
    min_confidence
        Unlabelled photos of which the teacher is less sure are left out; see `confidence`.
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
        size: tuple[Side, Side] | None = None,
        fit: Fit = "resize",
        long_side: Side | None = None,
        workers: Processes | None = None,
        cache: Cache = "memory",
        cache_gb: NotNegative = 4.0,
        fold: Whole | None = None,
        folds: Annotated[int, Interval(ge=2)] = 5,
        clean_specks: Whole = 0,
        unlabelled: Text | None = None,
        min_confidence: Share = 0.0,
        person_values: Sequence[Whole] = (),
        invert_masks: bool = False,
    ) -> None:
        super().__init__()
        require_fold(fold, folds)
        self.parts = Parts(
            Path(root).expanduser(),
            unlabelled=None if unlabelled is None else Path(unlabelled).expanduser(),
            fold=fold,
            folds=folds,
            long_side=long_side,
            clean_specks=clean_specks,
            cache=cache,
            cache_gb=cache_gb,
            rule=MaskRule(tuple(person_values), invert_masks),
        )
        self.root, self.fold = self.parts.root, fold
        self.batch_size = batch_size
        self._augmentation = augmentation
        self._seed = seed
        self._size = size
        self._fit: Fit = fit
        self._workers = workers
        self._min_confidence = min_confidence
        self._sources: list[Source] | None = None

    def items(self, role: Role) -> list[Item]:
        """List the photos that play a role, folds considered, naturally sorted by id."""
        return self.parts.items(role)

    def part(self, role: Role) -> Part:
        """Decode the photos of a role, once; those that are learnt from at the working size."""
        return self.parts.part(role)

    def check(self, on_progress: Callable[[int, int], None] | None = None) -> None:
        """Find all that would stop a training, in every split, before it starts.

        Parameters
        ----------
        on_progress
            Called with the number of photos that were read, and of all photos.

        Raises
        ------
        HumansegError
            Names every problem.
        """
        self.parts.check(on_progress)

    def require_sound(self, split: str) -> None:
        """Raise one HumansegError that names all that is wrong with a split of the folder."""
        require_sound(self.root, [split], self.parts.rule)

    def concerns(self) -> list[str]:
        """Say what `check` has seen that may spoil a training, a sentence each, with the remedy."""
        found = self.parts.concerns()
        size = self.train_size()
        if self._fit == "resize":
            found += shapes(self.root, self.part("train").sizes, size)
        if self._size is None:
            found += large(self.root, size)
        return [*told(found), *(f"{line}." for line in self.parts.notices.lines())]

    def prepare_data(self) -> None:
        """Fill a disk cache once, before other processes map it."""
        self.parts.fill_disk_cache()

    def train_size(self) -> tuple[int, int]:
        """Height and width of a train sample."""
        if self._size is not None:
            return int(self._size[0]), int(self._size[1])
        return Counter(self.part("train").sizes).most_common(1)[0][0]

    def train_dataloader(self) -> DataLoader[Any]:
        """Augmented photos, in an order that follows from seed and epoch."""
        pictures = Pictures(*(self._sources or [self.parts.source("train")]))
        photos = TrainPhotos(pictures, self._augmentation, self.train_size(), self._fit, self._seed)
        order = SeededOrder(len(photos), self._seed, *self._share())
        gpu = self.trainer is not None and self.trainer.strategy.root_device.type == "cuda"
        loading = self.loading(gpu, self._share()[1])
        workers = loading.workers
        return TimedLoader(
            WorkerPhotos(photos, loading.shared) if workers else photos,
            batch_size=self.batch_size,
            sampler=order,
            # A last batch of one photo would upset batch norm; that photo waits for another epoch.
            drop_last=len(order) > 1 and len(order) % self.batch_size == 1 < self.batch_size,
            collate_fn=same if workers else collate,
            num_workers=workers,
            persistent_workers=workers > 0,
            prefetch_factor=PREFETCH if workers else None,
            worker_init_fn=worker_threads,
            pin_memory=gpu,
        )

    def loading(self, gpu: bool, processes: int = 1) -> Loading:
        """Choose how train batches are made, by what this machine has.

        Parameters
        ----------
        gpu
            Whether the training is on one.
        processes
            How many trainings share this machine's memory, each with workers of its own.
        """
        wanted = default_workers(gpu) if self._workers is None else self._workers
        height, width = self.train_size()
        # Photo, mask and a teacher's opinion, a byte for each value.
        return choose_loading(wanted, self.batch_size * height * width * 5 * processes)

    def val_dataloader(self) -> DataLoader[Any]:
        """Whole valid photos with masks; of several processes, each has its share of them."""
        return self.whole_photos("valid", *self._share())

    def whole_photos(self, role: Role, rank: int = 0, replicas: int = 1) -> DataLoader[Any]:
        """Photos of a role at their own size, each once, in batches of one size.

        Parameters
        ----------
        role
            Which photos.
        rank, replicas
            This process and the number of processes that share them; by default one has all.
        """
        part = self.parts.unchanged(role)
        return DataLoader(
            WholePhotos(part.ids, part.store),
            batch_sampler=SameSizeBatches(
                part.sizes, self.batch_size, rank=rank, replicas=replicas
            ),
            collate_fn=collate,
        )

    def count_batches(self, processes: int = 1) -> tuple[int, int]:
        """Count the train and valid batches of an epoch, in each of so many processes."""
        share = -(-len(self.part("train").items) // processes)
        valid = len(self.whole_photos("valid", 0, processes))
        return -(-share // self.batch_size), valid

    def _share(self) -> tuple[int, int]:
        """Say which of how many processes this is."""
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)

    def teach(self, answers: Mapping[Role, PackedLayers]) -> dict[str, int]:
        """Take up what a teacher says of the photos that are learnt from.

        Parameters
        ----------
        answers
            For each role that is learnt from, in the order of its photos, at their own size.

        Returns
        -------
        dict
            How many photos without masks are learnt from, and how many are not: see
            `trustworthy`.
        """
        counts: dict[str, int] = {}
        self._sources = [self.parts.source(role, answers[role]) for role in self.parts.learnt_from]
        if "unlabelled" in answers:
            held_out = [self.part(role).store for role in self.parts.held_out]
            self._sources[-1], counts = trustworthy(
                self._sources[-1], held_out, self._min_confidence
            )
        return counts

    def record(self) -> dict[str, Any]:
        """Say which data this is: counts, and a fingerprint of the valid ids and masks.

        Returns
        -------
        dict
            `train`, `valid`, `test` counts; `fold` and `folds` where used; `valid_sha256`.
        """
        roles: list[Role] = ["train", "valid"]
        counts: dict[str, Any] = {role: len(self.part(role).items) for role in roles}
        counts["test"] = len(self.items("test"))
        if self.fold is not None:
            counts |= {"fold": self.fold, "folds": self.parts.folds}
        return counts | {"valid_sha256": self.fingerprint()}

    def fingerprint(self) -> str:
        """SHA-256 over the valid ids and masks: scores on equal ones can be compared."""
        return self.part("valid").fingerprint()

    def pixels_sha256(self) -> str:
        """Say which photos are trained and validated on, to the pixel.

        Returns
        -------
        str
            A fingerprint of ids, photos and masks as `check`, which comes first, has read them.
        """
        return self.parts.pixels_sha256("train", "valid")
