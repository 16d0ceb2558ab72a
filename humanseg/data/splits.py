"""The photos of a data folder by the part that they play: found, checked, decoded."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from humanseg.data.cache.buffer import PackedLayers
from humanseg.data.cache.store import (
    Cache,
    Decoded,
    DecodedOnTheFly,
    PhotoStore,
    open_store,
    scaled_layers,
)
from humanseg.data.checks.before_training import (
    Checked,
    find_fatal,
    find_unreadable,
    raise_problems,
)
from humanseg.data.checks.concerns import Glance, glance, inverted_masks, passed_over
from humanseg.data.checks.problems import Problem
from humanseg.data.folds import fold_ids
from humanseg.data.hashing import masks_sha256, named_sha256, pixels_sha256
from humanseg.data.layout.folders import Item, list_items
from humanseg.data.layout.mask_rule import AS_DRAWN, MaskRule
from humanseg.data.pictures import Source
from humanseg.data.pseudo_labels import unlabelled_items
from humanseg.io.names import SPLITS
from humanseg.system.notices import Notices

Role = Literal["train", "valid", "test", "unlabelled"]

_WITH_MASKS: tuple[Role, Role] = ("train", "valid")


@dataclass(frozen=True)
class Part:
    """The photos that play one role: their items, ids and decoded pixels."""

    items: list[Item]
    store: PhotoStore

    @property
    def ids(self) -> list[str]:
        """The photos' ids, in the order of the store."""
        return [item.id for item in self.items]

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Height and width of each photo."""
        return [self.store.size(index) for index in range(len(self.store))]

    def fingerprint(self) -> str:
        """SHA-256 over the ids and the masks."""
        return masks_sha256(self.ids, self.store)


@dataclass
class Parts:
    """The parts of a data folder; see `PhotoData` for the options.

    Attributes
    ----------
    root, unlabelled
        The folder of the splits, and that of photos without masks.
    fold, folds, long_side, clean_specks, cache, cache_gb
        As of `PhotoData`.
    rule
        How masks are read.
    notices
        What `check` has seen of photos that are used all the same, such as animations.
    """

    root: Path
    unlabelled: Path | None = None
    fold: int | None = None
    folds: int = 5
    long_side: int | None = None
    clean_specks: int = 0
    cache: Cache = "memory"
    cache_gb: float = 4.0
    rule: MaskRule = AS_DRAWN
    _parts: dict[Role, Part] = field(default_factory=dict)
    _decoded: Decoded = field(default_factory=dict)
    _held: int = 0
    _digests: dict[Path, bytes] = field(default_factory=dict)
    _glances: dict[Path, Glance] = field(default_factory=dict)
    _others: list[Problem] = field(default_factory=list)
    notices: Notices = field(default_factory=Notices)

    @property
    def learnt_from(self) -> list[Role]:
        """The roles whose photos are trained on."""
        return ["train"] if self.unlabelled is None else ["train", "unlabelled"]

    @property
    def held_out(self) -> list[Role]:
        """The roles whose photos a training is judged by."""
        return ["valid", "test"]

    def items(self, role: Role) -> list[Item]:
        """List the photos that play a role, folds considered, naturally sorted by id."""
        if role == "unlabelled":
            return [] if self.unlabelled is None else unlabelled_items(self.unlabelled)
        if role == "test":
            return list_items(self.root, "test", masks=False)
        if self.fold is None:
            return list_items(self.root, role, True, self.rule)
        items = list_items(self.root, "train", True, self.rule)
        inside = set(fold_ids([item.id for item in items], self.fold, self.folds))
        return [item for item in items if (item.id in inside) == (role == "valid")]

    def check(self, on_progress: Callable[[int, int], None] | None = None) -> None:
        """Find all that would stop a training, in every split, before it starts.

        Parameters
        ----------
        on_progress
            Called with the number of photos that were read, and of all photos of the splits.

        Raises
        ------
        HumansegError
            Names every problem.
        """
        splits = SPLITS if self.fold is None else ("train", "test")
        self._others.clear()
        self.notices = Notices()
        found = find_fatal(
            self.root, splits, self._note, on_progress, self._others.append, self.rule
        )
        raise_problems(self.root, found)
        if self.unlabelled is not None:
            raise_problems(self.unlabelled, find_unreadable(self.items("unlabelled"), self._note))
            self._others += passed_over(self.unlabelled)

    def concerns(self) -> list[Problem]:
        """List what the check has seen that does not stop a training, but may spoil it."""
        known = [self._glances[item.photo] for role in _WITH_MASKS for item in self.items(role)]
        return [*self._others, *inverted_masks(self.root, known)]

    def part(self, role: Role) -> Part:
        """Decode the photos of a role, once; those that are learnt from at the working size.

        Raises
        ------
        HumansegError
            The split is missing or empty.
        """
        if role not in self._parts:
            items = self.items(role)
            learnt = role in self.learnt_from
            long_side, specks = (self.long_side, self.clean_specks) if learnt else (None, 0)
            store = open_store(items, self.cache, self.cache_gb, long_side, self._decoded, specks)
            self._parts[role] = Part(items, store)
        return self._parts[role]

    def unchanged(self, role: Role) -> Part:
        """Give the photos of a role as their files have them: scores are taken there."""
        changed = self.long_side is not None or self.clean_specks > 0
        if role not in self.learnt_from or not changed:
            return self.part(role)
        items = self.items(role)
        return Part(items, DecodedOnTheFly(items))

    def source(self, role: Role, soft: PackedLayers | None = None) -> Source:
        """Give the photos of a role to be learnt from, with a teacher's answers or without."""
        part = self.part(role)
        fitting = None if soft is None else scaled_layers(soft, part.store)
        return Source(part.ids, part.store, fitting)

    def fill_disk_cache(self) -> None:
        """Decode into a disk cache what a training reads; nothing where there is no such cache."""
        if self.cache == "disk":
            for role in (*self.learnt_from, "valid"):
                self.part(role)

    def pixels_sha256(self, *roles: Role) -> str:
        """Fingerprint the photos and masks of roles as `check` has read them."""
        return named_sha256(
            (f"{role}/{item.id}", self._digests[item.photo])
            for role in roles
            for item in self.items(role)
        )

    def _note(self, checked: Checked) -> None:
        """Keep what the check has decoded: a digest, and for the stores what the bound allows."""
        photo, mask = checked.photo, checked.mask
        assert photo is not None and checked.picture is not None
        self.notices.add(checked.item.photo, checked.picture.notices)
        self._glances[checked.item.photo] = glance(checked)
        self._digests[checked.item.photo] = pixels_sha256(photo, mask)
        if self.cache != "memory":
            return
        self._held += photo.nbytes + (0 if mask is None else mask.nbytes)
        if self._held <= self.cache_gb * 1e9:
            self._decoded[checked.item.photo] = photo, mask
        else:
            self._decoded.clear()
