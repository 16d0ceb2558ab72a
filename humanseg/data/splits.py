"""The splits of a data folder: listed once, checked, decoded."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from humanseg.data.cache.buffer import LayerCache
from humanseg.data.cache.photos import (
    CacheMode,
    Decoded,
    DecodedPhotos,
    UncachedPhotos,
    open_cache,
    scaled_layers,
)
from humanseg.data.checks.before_training import (
    CheckedPhoto,
    find_fatal,
    find_unreadable,
    raise_problems,
)
from humanseg.data.checks.concerns import (
    MaskStats,
    blank_masks,
    inverted_masks,
    mask_stats,
    scored_and_trained_on,
)
from humanseg.data.checks.problems import Problem
from humanseg.data.folds import fold_ids
from humanseg.data.hashing import masks_sha256, named_sha256, pixels_sha256
from humanseg.data.layout.extra import Extra, scan_extra, source_of
from humanseg.data.layout.folders import Item, Scan, has_masks, scan, scan_unlabelled
from humanseg.data.layout.mask_rule import AS_DRAWN, MaskRule
from humanseg.data.photo_sets import PhotoSet
from humanseg.data.pseudo_labels import find_leaked
from humanseg.io.names import SPLITS
from humanseg.system.notices import Notices

SplitName = Literal["train", "valid", "test", "extra", "extra_valid", "unlabelled"]


@dataclass(frozen=True)
class Split:
    """The photos of a split, decoded."""

    items: list[Item]
    photos: DecodedPhotos  # in the order of `items`

    @property
    def ids(self) -> list[str]:
        """The photos' ids, in order."""
        return [item.id for item in self.items]

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Height and width of each photo."""
        return [self.photos.size(index) for index in range(len(self.photos))]

    def masks_sha256(self) -> str:
        """Hash the ids and the masks."""
        return masks_sha256(self.ids, self.photos)


@dataclass
class DatasetSplits:
    """The splits of a data folder; the options are those of `PhotoData`.

    Each folder is listed once, when it is first needed: whoever needs the photos of a training
    takes this object instead of listing them again. Files that come later are not seen.
    """

    root: Path
    unlabelled: Path | None = None
    extra: Extra = field(default_factory=dict)
    extra_valid: Extra = field(default_factory=dict)
    extra_root: Path | None = None
    fold: int | None = None
    folds: int = 5
    train_size: int | None = None
    min_component_area: int = 0
    cache: CacheMode = "memory"
    cache_gb: float = 4.0
    rule: MaskRule = AS_DRAWN
    # What `check` has noticed about photos that are used all the same, such as animations.
    notices: Notices = field(default_factory=Notices)
    _scans: dict[str, Scan] = field(default_factory=dict)
    _splits: dict[SplitName, Split] = field(default_factory=dict)
    _decoded: Decoded = field(default_factory=dict)
    _decoded_bytes: int = 0
    _digests: dict[Item, bytes] = field(default_factory=dict)
    _mask_stats: dict[Item, MaskStats] = field(default_factory=dict)

    @property
    def train_names(self) -> list[SplitName]:
        """The splits that are trained on."""
        names: list[SplitName] = ["train"]
        names += ["extra"] if self.extra else []
        names += ["unlabelled"] if self.unlabelled is not None else []
        return names

    def items(self, name: SplitName) -> list[Item]:
        """List the photos of a split, folds considered, naturally sorted by id.

        Raises a HumansegError where photos, masks or folders are missing.
        """
        if self.fold is None or name not in ("train", "valid"):
            return self._scan(name).require_items()
        items = self._scan("train").require_items()
        valid = set(fold_ids([item.id for item in items], self.fold, self.folds))
        return [item for item in items if (item.id in valid) == (name == "valid")]

    def check(self, on_progress: Callable[[int, int], None] | None = None) -> None:
        """Raise one HumansegError that names all that would stop a training.

        `on_progress` is called with the number of photos that were read, and of all.
        """
        self.notices = Notices()
        scans = self._folder_scans()
        raise_problems(self.root, find_fatal(scans, self._note, on_progress))
        for name in self._extra_names():
            scan = self._scan(name)
            raise_problems(scan.root, find_fatal([scan], self._note, on_progress))
        if self.unlabelled is not None:
            raise_problems(self.unlabelled, find_unreadable(self.items("unlabelled"), self._note))

    def require_sound(self, name: SplitName) -> None:
        """Raise one HumansegError that names all that is wrong with a split of the folder."""
        is_fold = self.fold is not None and name in ("train", "valid")
        scan = self._scan("train" if is_fold else name)
        raise_problems(scan.root, find_fatal([scan]))

    def concerns(self) -> list[Problem]:
        """List what does not stop a training but may spoil it, after `check`."""
        others: list[SplitName] = [*self._extra_names(), "unlabelled"]
        scans = [*self._folder_scans(), *map(self._scan, others)]
        masks = [self._mask_stats[item] for item in self.items("train") + self.items("valid")]
        return [
            *(problem for scan in scans for problem in scan.problems if not problem.fatal),
            *blank_masks(self.root, masks),
            *inverted_masks(self.root, masks),
            *self._inverted_sources(),
            *self._scored_and_trained_on(),
        ]

    def split(self, name: SplitName) -> Split:
        """Decode the photos of a split, once; those that are trained on at the train size."""
        if name not in self._splits:
            items = self.items(name)
            trained = name in self.train_names
            size, area = (self.train_size, self.min_component_area) if trained else (None, 0)
            photos = open_cache(items, self.cache, self.cache_gb, size, self._decoded, area)
            self._splits[name] = Split(items, photos)
        return self._splits[name]

    def at_original_size(self, name: SplitName) -> Split:
        """Return the photos of a split as their files have them: scores are taken there."""
        changed = self.train_size is not None or self.min_component_area > 0
        if name not in self.train_names or not changed:
            return self.split(name)
        items = self.items(name)
        return Split(items, UncachedPhotos(items))

    def photo_set(self, name: SplitName, soft: LayerCache | None = None) -> PhotoSet:
        """Return the photos of a split to be trained on, with soft labels or without."""
        split = self.split(name)
        layers = None if soft is None else scaled_layers(soft, split.photos)
        photos = PhotoSet(split.ids, split.photos, layers)
        if name != "extra":
            return photos
        weights = list(map(self.weight, split.ids))
        selected = [index for index in photos.chosen if index not in self.leaked]
        return replace(photos, selected=selected, weights=weights)

    @cached_property
    def leaked(self) -> set[int]:
        """The indices of the extra photos that are near-duplicates of held-out ones."""
        return find_leaked(self.held_out(), self.split("extra").photos)

    def held_out(self) -> list[DecodedPhotos]:
        """Return the photos that nothing may be trained on."""
        names: list[SplitName] = ["valid", "test"]
        names += ["extra_valid"] if self.extra_valid else []
        return [self.split(name).photos for name in names]

    def weight(self, id: str) -> float:
        """Return how often an extra photo is drawn in an epoch, on average."""
        return self.extra[source_of(id)].get("weight", 1.0)

    @property
    def extra_folder(self) -> Path:
        """The folder that the folders of extra photos are relative to."""
        return self.extra_root or self.root

    def fill_disk_cache(self) -> None:
        """Decode into a disk cache what a training reads; do nothing where there is no such."""
        if self.cache == "disk":
            for name in (*self.train_names, "valid"):
                self.split(name)

    def pixels_sha256(self, *names: SplitName) -> str:
        """Hash the photos and masks of splits as `check` has read them."""
        return named_sha256(
            (f"{name}/{item.id}", self._digests[item])
            for name in names
            for item in self.items(name)
        )

    def _scan(self, name: str) -> Scan:
        if name not in self._scans:
            if name in ("extra", "extra_valid"):
                extra = self.extra if name == "extra" else self.extra_valid
                self._scans[name] = scan_extra(self.extra_folder, extra, f"data.{name}")
            elif name != "unlabelled":
                self._scans[name] = scan(self.root, name, has_masks(name), self.rule)
            elif self.unlabelled is not None:
                self._scans[name] = scan_unlabelled(self.unlabelled)
            else:
                self._scans[name] = Scan()
        return self._scans[name]

    def _extra_names(self) -> list[SplitName]:
        names: list[SplitName] = ["extra"] if self.extra else []
        return [*names, "extra_valid"] if self.extra_valid else names

    def _inverted_sources(self) -> Iterator[Problem]:
        """Yield the sources of extra photos whose masks are inverted, most of them at least."""
        for name in self._extra_names():
            by_source: dict[str, list[MaskStats]] = {}
            for item in self.items(name):
                by_source.setdefault(source_of(item.id), []).append(self._mask_stats[item])
            for source, masks in by_source.items():
                setting = f"data.{name}.{source}.invert_masks"
                found = inverted_masks(self.extra_folder, masks, setting)
                yield from (problem for problem in found if not problem.id)

    def _scored_and_trained_on(self) -> Iterator[Problem]:
        """Yield the train photos that are near-duplicates of those that choose the checkpoint.

        Those of the folder `valid` are found by `humanseg check`.
        """
        scored: dict[SplitName, str] = {}
        if self.fold is not None:
            scored["valid"] = f"data.fold={self.fold}"
        if self.extra_valid:
            scored["extra_valid"] = "data.extra_valid"
        for name, words in scored.items():
            train = self.split("train")
            leaked = sorted(find_leaked([self.split(name).photos], train.photos))
            if ids := [train.ids[index] for index in leaked]:
                yield scored_and_trained_on(self.root, ids, words)

    def _folder_scans(self) -> list[Scan]:
        return [self._scan(name) for name in SPLITS if self.fold is None or name != "valid"]

    def _note(self, checked: CheckedPhoto) -> None:
        """Store the statistics and digest of a checked photo and, if memory allows, its pixels."""
        photo, mask = checked.photo, checked.mask
        assert photo is not None and checked.picture is not None
        self.notices.add(checked.item.photo, checked.picture.notices)
        self._mask_stats[checked.item] = mask_stats(checked)
        self._digests[checked.item] = pixels_sha256(photo, mask)
        if self.cache != "memory":
            return
        self._decoded_bytes += photo.nbytes + (0 if mask is None else mask.nbytes)
        if self._decoded_bytes <= self.cache_gb * 1e9:
            self._decoded[checked.item] = photo, mask
        else:
            self._decoded.clear()
