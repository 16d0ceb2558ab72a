"""Further labelled photos beside the five folders, to train on and to score on."""

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NotRequired, TypedDict

from annotated_types import Interval

from humanseg.config.ranges import Text, Whole
from humanseg.data.checks.problems import Problem, escape
from humanseg.data.layout.folders import Item, Scan, join_folders
from humanseg.data.layout.mask_rule import MaskRule
from humanseg.errors import HumansegError

SEPARATOR = "/"
"""The separator of source and photo in an id; no other id of a labelled photo has it."""
PHOTOS, MASKS = "image", "mask"
"""The folders of a source."""


class ExtraFolder(TypedDict):
    """One source of labelled photos, a value of `data.extra` or `data.extra_valid`.

    `folder` holds `image` and `mask`, or, with `no_person`, photos without people. `match` is
    a pattern for the names of its photos. In an epoch each is drawn `weight` times on average.
    `person_values` and `invert_masks` say how its masks are read, see `MaskRule`: those of `data`
    are for the five folders.
    """

    folder: Text
    match: NotRequired[Text]
    weight: NotRequired[Annotated[float, Interval(gt=0, le=1000)]]
    no_person: NotRequired[bool]
    person_values: NotRequired[Sequence[Whole]]
    invert_masks: NotRequired[bool]


Extra = Mapping[str, ExtraFolder]
"""Sources by their names."""


def scan_extra(root: Path, extra: Extra, key: str) -> Scan:
    """List the photos of some sources; the id of each begins with the name of its source."""
    items: list[Item] = []
    problems: list[Problem] = []
    for name, source in extra.items():
        if SEPARATOR in name:
            raise HumansegError(
                f"{key}.{name}: the name of a source may hold no {SEPARATOR}. Call it otherwise.",
                code="data.source_name",
            )
        folder, no_person = root / Path(source["folder"]).expanduser(), source.get("no_person")
        masks = None if no_person else folder / MASKS
        photos = folder if no_person else folder / PHOTOS
        found = join_folders(folder, f"{key}.{name}", photos, masks, MaskRule.of(source))
        pattern = source.get("match", "*")

        def matches(path: Path, pattern: str = pattern) -> bool:
            return fnmatch.fnmatchcase(path.name, pattern)

        chosen = [item for item in found.items if matches(item.photo)]
        problems += [
            problem for problem in found.problems if not problem.id or matches(problem.path)
        ]
        if not chosen and not any(problem.fatal for problem in problems):
            raise HumansegError(
                f"{key}.{name}: there is no photo that is called {pattern} in "
                f"{escape(str(folder))}. Correct its match, or take it out.",
                code="data.no_extra_photos",
            )
        for item in chosen:
            id = f"{name}{SEPARATOR}{item.id}"
            items.append(replace(item, id=id, no_person=bool(no_person)))
    return Scan(root, key, items, problems)


def source_of(id: str) -> str:
    """Return the source of a photo of `scan_extra`."""
    return id.partition(SEPARATOR)[0]
