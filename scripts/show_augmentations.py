"""Write a contact sheet of augmented photos and their masks.

One photo per row: as it is, then as a training with this seed sees it in its first epochs, with
the outline of the mask. Without data it takes photos of the built-in sample.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from humanseg.config.build import build
from humanseg.config.command_line.hydra_errors import explain_hydra_error, is_hydra_error
from humanseg.config.find import conf_folder
from humanseg.data.labelled_photo import LabelledPhoto, Pixels
from humanseg.data.layout.folders import Item, list_items
from humanseg.data.synthetic import write_sample
from humanseg.data.transforms.augmentation import Augmentation, sample_seed
from humanseg.data.transforms.resize import resize_to
from humanseg.errors import HumansegError, says_errors
from humanseg.io.images import read_mask, read_photo, write_image

_GAP = 4
_LONG_SIDE = 320


def compose_config(overrides: Sequence[str]) -> DictConfig:
    """Compose the training's config with `overrides`, as `humanseg train` would.

    Raises
    ------
    HumansegError
        An override names no key or no value that there is.
    """
    try:
        with initialize_config_dir(str(conf_folder()), version_base=None):
            return compose("train", overrides=list(overrides))
    except Exception as error:
        if is_hydra_error(error):
            raise explain_hydra_error(error) from error
        raise


def spread(items: Sequence[Item], count: int) -> list[Item]:
    """Choose `count` items evenly over all of them; all, where there are fewer."""
    places = np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int)
    return [items[place] for place in places]


def outlined(picture: LabelledPhoto) -> Pixels:
    """Draw the outline of a picture's mask over a copy of its photo."""
    result = picture.photo.copy()
    contours, _ = cv2.findContours(picture.mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    # Dark below light: seen on any photo.
    cv2.drawContours(result, contours, -1, (0, 0, 0), 3)
    cv2.drawContours(result, contours, -1, (255, 230, 0), 1)
    return result


def draw_sheet(items: Sequence[Item], augmentation: Augmentation, seed: int, draws: int) -> Pixels:
    """Draw the contact sheet.

    Parameters
    ----------
    items
        Photos with masks, one per row.
    augmentation
        What to show.
    seed
        Seed of the training.
    draws
        How many epochs.

    Returns
    -------
    ndarray
        (H, W, 3) uint8: `1 + draws` columns of tiles as large as the first photo, at most 320 px.
    """
    pictures = [_read(item) for item in items]

    def other(generator: np.random.Generator) -> LabelledPhoto:
        return pictures[int(generator.integers(len(pictures)))]

    factor = min(1.0, _LONG_SIDE / max(pictures[0].size))
    height, width = (max(1, round(side * factor)) for side in pictures[0].size)
    rows: list[list[Pixels]] = []
    for item, picture in zip(items, pictures, strict=True):
        drawn = [
            augmentation(picture, sample_seed(seed, epoch, item.id), other)
            for epoch in range(draws)
        ]
        rows.append([outlined(resize_to(one, (height, width), "pad")) for one in (picture, *drawn)])
    return _join([_join(row, axis=1) for row in rows], axis=0)


def _read(item: Item) -> LabelledPhoto:
    assert item.mask is not None
    image, mask = read_photo(item.photo), read_mask(item.mask)
    if image.shape[:2] != mask.shape:
        raise HumansegError(
            f"{item.mask} is {mask.shape[0]}×{mask.shape[1]}, but its photo is "
            f"{image.shape[0]}×{image.shape[1]}. Run humanseg check on the data."
        )
    return LabelledPhoto(image, mask)


def _join(tiles: list[Pixels], axis: int) -> Pixels:
    """Join tiles of one size in a row, with gaps between them."""
    shape = list(tiles[0].shape)
    shape[axis] = _GAP
    paper = np.full(shape, 255, np.uint8)
    parts = [part for tile in tiles for part in (paper, tile)]
    return np.concatenate(parts[1:], axis=axis)


def _count(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and 100")
    return value


def show(arguments: argparse.Namespace) -> None:
    """Write the sheet that the command line asks for."""
    config = compose_config(arguments.overrides)
    augmentation: Augmentation = build(config.augmentation)
    with tempfile.TemporaryDirectory() as scratch:
        root = arguments.data
        if root is None:
            root = Path(scratch) / "sample"
            write_sample(root, train=arguments.photos, valid=1, test=1)
        items = spread(list_items(root, "train", masks=True), arguments.photos)
        sheet = draw_sheet(items, augmentation, config.seed, arguments.draws)
    write_image(arguments.out, sheet)
    print(arguments.out)


@says_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns
    -------
    int
        0; 2 when the person must change something, which is then said.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "overrides", nargs="*", metavar="key=value", help="such as augmentation=heavy or seed=1"
    )
    parser.add_argument("--data", metavar="ROOT", type=Path, help="a data set; else the sample")
    parser.add_argument("--out", metavar="FILE", type=Path, default=Path("augmentations.png"))
    parser.add_argument("--photos", type=_count, default=4, help="rows; default 4")
    parser.add_argument("--draws", type=_count, default=7, help="epochs; default 7")
    show(parser.parse_intermixed_args(arguments))
    return 0


if __name__ == "__main__":
    sys.exit(main())
