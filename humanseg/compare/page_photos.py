"""The valid photos of a group of runs, copied to the files of the leaderboard's page."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanseg.compare.ranking import Group
from humanseg.io.images import (
    ImageError,
    LoadedPhoto,
    image_size,
    load_photo,
    read_mask,
    shrink,
    write_image,
)
from humanseg.io.rle import encode_rle
from humanseg.pages.folder import PageFolder, picture_name
from humanseg.pages.render import url

LONGEST = 640
"""Photos with a longer side are made smaller; masks are drawn at the photo's own size."""

_SAME_SHARE = 1e-9


@dataclass(frozen=True)
class PhotoFiles:
    """Where a valid photo and its true mask lie, and how the runs have read the mask."""

    photo: Path
    mask: Path
    read: Callable[[Path], NDArray[np.uint8]] = read_mask


def write_photos(
    pages: PageFolder, folder: str, group: Group, data: Mapping[str, PhotoFiles] | str
) -> dict[str, Any]:
    """Write the valid photos of a group into the page's files.

    They come from the data set, if its true masks are those that the runs were scored with. If not,
    they come from the gallery of a run, without true masks. Returned are `note`: empty, or what is
    missing and why; and in the order of the group's ids `names` (their paths, quoted), `sizes`
    (height and width) and `truth` (run-length codes). Each of the three is empty where it is not
    known.
    """
    note = data if isinstance(data, str) else ""
    if isinstance(data, Mapping):
        try:
            return _from_data(pages, folder, group, data)
        except ImageError as error:
            note = str(error)
    for run in group.runs:
        shown = run.folder.valid_page.with_suffix("")
        drawn = [shown / picture_name(id, "_img.jpg") for id in group.ids]
        # Of another run, if this one's gallery is not whole.
        with suppress(ImageError):
            photos = _written(pages, folder, drawn, [])
            return photos | {"note": f"The true masks are not shown. {note}"}
    shutil.rmtree(pages.path(folder), ignore_errors=True)
    return {"note": f"The photos are not shown. {note}", "names": [], "sizes": [], "truth": []}


def _from_data(
    pages: PageFolder, folder: str, group: Group, data: Mapping[str, PhotoFiles]
) -> dict[str, Any]:
    shares = group.runs[0].scores["foreground"]
    truth = []
    for id in group.ids:
        mask = data[id].read(data[id].mask)
        if abs(float(mask.mean()) - shares[id]) > _SAME_SHARE:
            raise ImageError(f"{data[id].mask} has changed since the runs were made.")
        if image_size(data[id].photo) != mask.shape:
            raise ImageError(f"{data[id].mask} and {data[id].photo} differ in size.")
        truth.append(encode_rle(mask))
    return _written(pages, folder, [data[id].photo for id in group.ids], truth)


def _written(
    pages: PageFolder, folder: str, photos: Sequence[Path], truth: list[str]
) -> dict[str, Any]:
    names, sizes = [], []
    for number, photo in enumerate(photos):
        # By number: an id may be no file name, or differ from another in capitals only.
        name = f"{folder}/{number}.jpg"
        sizes.append(list(image_size(photo)))
        _write_photo(photo, pages.path(name))
        names.append(name)
    return {"note": "", "names": names, "sizes": sizes, "truth": truth}


def _write_photo(source: Path, target: Path) -> None:
    """Copy a photo that any browser shows, as it is; make a smaller JPEG of any other."""
    picture = load_photo(source)
    if max(picture.rgb.shape) <= LONGEST and _is_plain(picture, source):
        shutil.copyfile(source, target)
    else:
        write_image(target, shrink(picture.over_white(), LONGEST))


def _is_plain(picture: LoadedPhoto, source: Path) -> bool:
    """Return whether a photo is an upright JPEG of RGB or grey."""
    if picture.mode not in ("RGB", "L") or picture.turned or picture.notices:
        return False
    with source.open("rb") as file:
        return file.read(3) == b"\xff\xd8\xff"


def link(page: Path, target: Path) -> str:
    """Return the quoted path from the folder of a page to a file; empty where it is not there."""
    return url(Path(os.path.relpath(target, page)).as_posix()) if target.is_file() else ""
