"""The data doctor: everything that is wrong or odd about a data folder, in one pass."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from humanseg.data.checks.before_training import map_in_order
from humanseg.data.checks.concerns import (
    INVERTED,
    LARGE,
    SHAPES,
    Glance,
    inverted_masks,
    large,
    shapes,
)
from humanseg.data.checks.duplicates import Copies, Fingerprint, find_copies
from humanseg.data.checks.photo_stats import Look, look
from humanseg.data.checks.problems import Problem, printable
from humanseg.data.checks.report import Case, Finding, Level, Report, SplitSummary
from humanseg.data.layout.folders import NO_TEST, Item, by_photo, has_masks, require_root, scan
from humanseg.data.layout.listing import list_folder
from humanseg.data.layout.mask_rule import AS_DRAWN, MaskRule
from humanseg.data.small_components import SPECK
from humanseg.io.images import read_photo
from humanseg.io.names import SPLITS, mask_folder

ACROSS = "one picture in two splits"
WITHIN = "one picture twice in a split"
EMPTY = "empty mask"
FULL = "full mask"
GREY = "grey values in a mask"
SPECKS = "specks in a mask"
ODD = "unusual photo file"

_ADVICE = {
    "missing folder": "a training reads train, train_mask, valid, valid_mask and test.",
    "empty split": "every split needs photos.",
    "two photos with one stem": "the stem of the name is the id, so it must be given once.",
    "two masks with one stem": "it is not clear which one belongs to the photo.",
    "unwritable name": "the id is written into UTF-8 files.",
    "missing mask": "every photo of train and valid needs one.",
    "unreadable photo": "fetch the file again, or take it out together with its mask.",
    "unusable mask": "a mask has two values, one for person and one for background; of more, "
    "--person-values (data.person_values of a training) says which are the person.",
    "sizes differ": "a mask must lie on its photo pixel by pixel.",
    "passed over": "photos and masks lie right in their folder, as jpg, png, tif or the like; "
    "move them there, and save the others as one of these.",
    "masks of other names": "they are joined with their photos by what the names share.",
    "mask without a photo": "nothing reads these; a name may be misspelt.",
    NO_TEST: "a training goes without, and writes no test page.",
    ACROSS: "a model scores too well on a picture that it has trained on; take one out.",
    WITHIN: "it counts twice in the training or in the score.",
    INVERTED: "a model learns the background from these; repair them, or where all are, take "
    "data.invert_masks=true (here: --invert-masks).",
    SHAPES: "a training brings all photos to one size, by default without keeping their shape.",
    LARGE: "a training works at the photos' own size unless data.long_side says otherwise.",
    EMPTY: "nobody is in it; by the task's formula such a photo scores 0 at best.",
    FULL: "everything is person; see whether that is meant.",
    GREY: "they are cut at half of the brightness; save masks as PNG to keep them sharp.",
    SPECKS: f"dots and pinholes of under {SPECK} pixels, often left behind by another model.",
    ODD: "it is read as a person sees it; other programs may not.",
}

_NOTES = (NO_TEST, "masks of other names")
"""Kinds of problems that are good to know and no worse."""


@dataclass(frozen=True)
class _Found:
    kind: str
    level: Level
    case: Case
    # Cases of one kind are listed the heaviest first.
    weight: float = 0.0


def examine(
    root: Path,
    on_progress: Callable[[int, int], None] | None = None,
    rule: MaskRule = AS_DRAWN,
) -> Report:
    """Examine a data folder.

    Every photo and mask is decoded once; about 1 kB is kept of each.

    Parameters
    ----------
    root
        The folder with train, train_mask, valid, valid_mask and test, of which any may be
        missing.
    on_progress
        Called with the number of photos that were looked at, and of all photos.
    rule
        How masks are read.

    Returns
    -------
    Report
        What would stop a training is exactly what
        `humanseg.data.checks.before_training.find_fatal` finds.

    Raises
    ------
    HumansegError
        `root` is not a folder, or a folder in it may not be read.
    """
    require_root(root)
    found: list[_Found] = []
    items: list[Item] = []
    for split in SPLITS:
        _, problems = scan(root, split, has_masks(split) or (root / mask_folder(split)).is_dir())
        found += map(_from_problem, problems)
        items += _every_photo(root, split, rule)
    looks = []
    for seen in map_in_order(look, items):
        looks.append(seen)
        if on_progress is not None:
            on_progress(len(looks), len(items))
    for seen in looks:
        found += _from_look(seen)
    found += map(_from_problem, _concerns(root, looks))
    found += _copies(looks)
    return Report(root, tuple(_summaries(root, looks)), _findings(found))


def _concerns(root: Path, looks: Sequence[Look]) -> Iterator[Problem]:
    """Point out what a training without options of its own would say before its first step."""
    read = [Glance(seen.item, seen.size, seen.inverted) for seen in looks if seen.size is not None]
    yield from inverted_masks(root, read)
    sizes = [each.size for each in read if each.item.split == "train"]
    yield from shapes(root, sizes)
    for size, _ in Counter(sizes).most_common(1):
        yield from large(root, size)


def _every_photo(root: Path, split: str, rule: MaskRule) -> Iterator[Item]:
    """List all photos of a split, those without a mask or with a name of two files too."""
    folder, drawn_in = root / split, root / mask_folder(split)
    photos = list_folder(folder).images if folder.is_dir() else {}
    masks = list_folder(drawn_in).images if drawn_in.is_dir() else {}
    masks, _ = by_photo(photos, masks)
    for id, paths in photos.items():
        drawn = masks.get(id, [])
        for photo in paths:
            yield Item(id, photo, drawn[0] if len(drawn) == len(paths) == 1 else None, rule)


def _from_problem(problem: Problem) -> _Found:
    is_photo = problem.path.parent.name == problem.split and problem.id
    case = Case(
        problem.split,
        problem.id,
        problem.message,
        (problem.path,) if is_photo else (),
        problem.path if problem.id and not is_photo else None,
    )
    level: Level = "note" if problem.kind in _NOTES else "warning"
    return _Found(problem.kind, "stops" if problem.fatal else level, case)


def _from_look(seen: Look) -> Iterator[_Found]:
    item = seen.item

    def found(kind: str, level: Level, message: str, weight: float = 0.0) -> _Found:
        case = Case(item.split, item.id, message, (item.photo,), item.mask)
        return _Found(kind, level, case, weight)

    for problem in seen.problems:
        yield found(problem.kind, "stops", problem.message)
    mask = _short(item.mask) if item.mask else ""
    if seen.foreground == 0:
        yield found(EMPTY, "warning", f"{mask} marks nobody")
    if seen.foreground == 1:
        yield found(FULL, "warning", f"{mask} marks every pixel")
    if seen.grey_share > 0:
        message = f"{mask}: {seen.grey_share:.2%} of the pixels are grey"
        yield found(GREY, "note", message, seen.grey_share)
    if seen.specks:
        count = "1 speck" if seen.specks == 1 else f"{seen.specks} specks"
        yield found(SPECKS, "note", f"{mask}: {count}", seen.specks)
    if seen.oddities:
        yield found(ODD, "note", f"{_short(item.photo)}: {', '.join(seen.oddities)}")


def _short(path: Path) -> str:
    return printable(f"{path.parent.name}/{path.name}")


def _copies(looks: Sequence[Look]) -> Iterator[_Found]:
    prints: list[Fingerprint] = []
    items: list[Item] = []
    for seen in looks:
        if seen.print is not None:
            prints.append(seen.print)
            items.append(seen.item)
    for copies in find_copies(prints, lambda index: read_photo(items[index].photo)):
        yield _from_copies(copies, [items[index] for index in copies.members])


def _from_copies(copies: Copies, items: Sequence[Item]) -> _Found:
    across = len({item.split for item in items}) > 1
    names = [_short(item.photo) for item in items]
    how = "identical" if copies.identical else "re-encoded, resized or mirrored"
    # The last one is the one to look at: the splits run from train to test.
    return _Found(
        ACROSS if across else WITHIN,
        "warning",
        Case(
            items[-1].split,
            items[-1].id,
            f"{' = '.join(names)} ({how})",
            tuple(item.photo for item in items),
        ),
    )


def _findings(found: Iterable[_Found]) -> tuple[Finding, ...]:
    """Gather what was found by kind: in the order of the advice, what stops first."""
    by_kind: dict[tuple[str, Level], list[Case]] = {}
    for one in sorted(found, key=lambda one: -one.weight):
        by_kind.setdefault((one.kind, one.level), []).append(one.case)
    levels: tuple[Level, ...] = ("stops", "warning", "note")
    kinds = list(_ADVICE)
    order = sorted(by_kind, key=lambda key: (levels.index(key[1]), kinds.index(key[0])))
    return tuple(
        Finding(kind, level, _ADVICE[kind], tuple(by_kind[kind, level])) for kind, level in order
    )


def _summaries(root: Path, looks: Sequence[Look]) -> Iterator[SplitSummary]:
    for split in SPLITS:
        if not (root / split).is_dir():
            continue
        of_split = [seen for seen in looks if seen.item.split == split]
        drawn_in = root / mask_folder(split)
        yield SplitSummary(
            split,
            len(of_split),
            sum(map(len, list_folder(drawn_in).images.values())) if drawn_in.is_dir() else None,
            Counter(seen.size for seen in of_split if seen.size is not None),
            tuple(seen.foreground for seen in of_split if seen.foreground is not None),
        )
