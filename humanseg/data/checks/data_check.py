"""The data check: everything that is wrong or odd about a data folder, in one pass."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from humanseg.data.checks.concerns import (
    BLANK,
    INVERTED,
    LARGE,
    LEAKED,
    SHAPES,
    blank_masks,
    inverted_masks,
    large,
    shapes,
)
from humanseg.data.checks.duplicates import find_duplicates
from humanseg.data.checks.photo_stats import PhotoStats, inspect_photo
from humanseg.data.checks.problems import Problem, short_path
from humanseg.data.checks.report import Case, CheckReport, Finding, Level, SplitSummary
from humanseg.data.layout.folders import NO_TEST, SKIPPED, Item, Scan, has_masks, require_root, scan
from humanseg.data.layout.mask_rule import AS_DRAWN, MaskRule
from humanseg.data.small_components import SMALL_COMPONENT
from humanseg.errors import plural
from humanseg.io.images import read_photo
from humanseg.io.names import SPLITS, mask_folder
from humanseg.system.threads import map_in_order

REPEATED = "duplicates in a split"
EMPTY = "empty mask"
FULL = "full mask"
GREY = "grey values in a mask"
SMALL = "small components in a mask"
ODD = "unusual photo file"

_ADVICE = {
    "missing folder": "a training reads train, train_mask, valid, valid_mask and test.",
    "empty split": "every split needs photos.",
    "two photos with one stem": "the stem of the name is the id, so it must be given once.",
    "two masks with one stem": "it is not clear which one belongs to the photo.",
    "unwritable name": "the id is written into UTF-8 files.",
    "missing mask": "every photo of train and valid needs one.",
    "unreadable photo": "fetch the file again, or remove it together with its mask.",
    "unusable mask": "a mask has two values, one for person and one for background; of more, "
    "--person-values (data.person_values of a training) names those of the person.",
    "sizes differ": "a mask must match its photo pixel by pixel.",
    SKIPPED: "photos and masks must be directly in their folder, as jpg, png, tif or the like; "
    "move them there, and save the others as one of these.",
    "masks of other names": "they are joined with their photos by the common part of the names.",
    "mask without a photo": "nothing reads these; a name may be misspelt.",
    NO_TEST: "a training goes without, and writes no test page.",
    LEAKED: "a model scores too high on a photo that it was trained on; remove one of them.",
    REPEATED: "it counts twice in the training or in the score.",
    BLANK: "a model learns nothing from masks that are all blank, and cannot be scored on them.",
    INVERTED: "a model learns the background from these; repair them, or, if all are inverted, set "
    "data.invert_masks=true (here: --invert-masks).",
    SHAPES: "a training brings all photos to one size, by default without keeping their shape.",
    LARGE: "a training works at the photos' own size unless data.train_size says otherwise.",
    EMPTY: "it has no person; by the task's formula such a photo scores 0 at best.",
    FULL: "every pixel is person; check whether that is intended.",
    GREY: "they are thresholded at half of the brightness; save masks as PNG to keep them sharp.",
    SMALL: f"dots and holes of under {SMALL_COMPONENT} pixels, often artefacts of another model.",
    ODD: "it is read as a person sees it; other programs may not.",
}

_NOTES = (NO_TEST, "masks of other names")
"""Kinds of problems that are good to know and no worse."""


def check_data(
    root: Path, on_progress: Callable[[int, int], None] | None = None, rule: MaskRule = AS_DRAWN
) -> CheckReport:
    """Check a data folder, any of whose five folders may be missing.

    Every photo and mask is decoded once; about 1 kB is kept of each. `on_progress` is called with
    the number of photos that were read, and of all. What the report says stops a training is
    exactly what `find_fatal` finds. A HumansegError is raised where a folder may not be read.
    """
    require_root(root)
    scans = [
        scan(root, split, has_masks(split) or (root / mask_folder(split)).is_dir(), rule)
        for split in SPLITS
    ]
    items = [item for scanned in scans for item in _every_photo(scanned, rule)]
    stats = []
    for photo in map_in_order(inspect_photo, items):
        stats.append(photo)
        if on_progress is not None:
            on_progress(len(stats), len(items))
    problems = [problem for scanned in scans for problem in scanned.problems]
    found = list(map(_from_problem, problems))
    for photo in stats:
        found += _from_stats(photo)
    found += map(_from_problem, _concerns(root, stats))
    found += _duplicates(stats)
    summaries = [_summary(scanned, stats) for scanned in scans if (root / scanned.split).is_dir()]
    return CheckReport(root, tuple(summaries), _findings(found), rule)


def _concerns(root: Path, stats: Sequence[PhotoStats]) -> Iterator[Problem]:
    """Yield the warnings that a training with default options would print."""
    yield from blank_masks(root, [photo for photo in stats if has_masks(photo.item.split)])
    yield from inverted_masks(root, [photo for photo in stats if photo.size is not None])
    sizes = [photo.size for photo in stats if photo.size and photo.item.split == "train"]
    yield from shapes(root, sizes)
    for size, _ in Counter(sizes).most_common(1):
        yield from large(root, size)


def _every_photo(scanned: Scan, rule: MaskRule) -> Iterator[Item]:
    """List all photos of a split, those without a mask or with a name of two files too."""
    for id, paths in scanned.photos.items():
        masks = (scanned.masks or {}).get(id, [])
        for photo in paths:
            yield Item(id, photo, masks[0] if len(masks) == len(paths) == 1 else None, rule)


def _from_problem(problem: Problem) -> Case:
    is_photo = problem.path.parent.name == problem.split and problem.id
    level: Level = "note" if problem.kind in _NOTES else "warning"
    return Case(
        problem.kind,
        "stops" if problem.fatal else level,
        *(problem.split, problem.id, problem.message),
        photos=(problem.path,) if is_photo else (),
        mask=problem.path if problem.id and not is_photo else None,
    )


def _from_stats(photo: PhotoStats) -> Iterator[Case]:
    item = photo.item

    def case_of(kind: str, level: Level, message: str, weight: float = 0.0) -> Case:
        return Case(kind, level, item.split, item.id, message, (item.photo,), item.mask, weight)

    for problem in photo.problems:
        yield case_of(problem.kind, "stops", problem.message)
    mask = short_path(item.mask) if item.mask else ""
    if photo.foreground == 0:
        yield case_of(EMPTY, "warning", f"{mask} marks no person")
    if photo.foreground == 1:
        yield case_of(FULL, "warning", f"{mask} marks every pixel")
    if photo.grey_share > 0:
        message = f"{mask}: {photo.grey_share:.2%} of the pixels are grey"
        yield case_of(GREY, "note", message, photo.grey_share)
    if count := photo.small_components:
        yield case_of(SMALL, "note", f"{mask}: {plural(count, 'small component')}", count)
    if photo.oddities:
        yield case_of(ODD, "note", f"{short_path(item.photo)}: {', '.join(photo.oddities)}")


def _duplicates(stats: Sequence[PhotoStats]) -> Iterator[Case]:
    read = [(photo.item, photo.hash) for photo in stats if photo.hash is not None]
    for found in find_duplicates(
        [hash for _, hash in read], lambda index: read_photo(read[index][0].photo)
    ):
        items = [read[index][0] for index in found.members]
        names = " = ".join(short_path(item.photo) for item in items)
        how = "identical" if found.identical else "re-encoded, resized or mirrored"
        photos = tuple(item.photo for item in items)
        kind = LEAKED if len({item.split for item in items}) > 1 else REPEATED
        # The last one is the one to look at: the splits run from train to test.
        last, message = items[-1], f"{names} ({how})"
        yield Case(kind, "warning", last.split, last.id, message, photos)


def _findings(cases: Iterable[Case]) -> tuple[Finding, ...]:
    """Group cases by kind, in the order of the advice, those that stop a training first."""
    by_kind: dict[tuple[str, Level], list[Case]] = {}
    for case in sorted(cases, key=lambda case: -case.weight):
        by_kind.setdefault((case.kind, case.level), []).append(case)
    levels: tuple[Level, ...] = ("stops", "warning", "note")
    kinds = list(_ADVICE)
    order = sorted(by_kind, key=lambda key: (levels.index(key[1]), kinds.index(key[0])))
    return tuple(
        Finding(kind, level, _ADVICE[kind], tuple(by_kind[kind, level])) for kind, level in order
    )


def _summary(scanned: Scan, stats: Sequence[PhotoStats]) -> SplitSummary:
    photos = [photo for photo in stats if photo.item.split == scanned.split]
    return SplitSummary(
        scanned.split,
        len(photos),
        None if scanned.masks is None else sum(map(len, scanned.masks.values())),
        Counter(photo.size for photo in photos if photo.size is not None),
        tuple(photo.foreground for photo in photos if photo.foreground is not None),
    )
