"""The report of the data check as a page, with small images of the cases that are shown."""

import base64
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from humanseg.data.checks.problems import escape, short_path
from humanseg.data.checks.report import Case, CheckReport
from humanseg.data.layout.mask_rule import MaskRule
from humanseg.data.small_components import find_small_components
from humanseg.io.images import ImageError, read_photo, shrink
from humanseg.pages.origin import Origin, now, readable_date
from humanseg.pages.render import write_page

_PICTURES = 4
_SIDE = 280
_BARS = 20
_BACKGROUND = (28, 30, 34)
_PERSON = (236, 236, 230)
_SMALL = (255, 64, 48)


def write_report_page(path: Path, report: CheckReport, command: str = "") -> None:
    """Write a report as one HTML page that holds its pictures.

    Up to 24 cases of a kind are shown, further ones are named. Photos and masks are read again;
    one that has gone since shows as an empty frame. `command` is what asked for it.
    """
    write_page(
        path,
        "doctor.html",
        lead=escape(str(report.root)),
        facts=[(split.name, str(split.photos)) for split in report.splits],
        report=report,
        bars=_bars,
        pictures=partial(_pictures, rule=report.rule),
        origin=Origin(date=readable_date(now()), command=command),
    )


def _bars(foreground: Sequence[float]) -> list[float]:
    """Return a histogram of foreground shares, each bar relative to the highest one."""
    counts, _ = np.histogram(foreground, bins=_BARS, range=(0, 1))
    return list(counts / counts.max()) if foreground else []


def _pictures(case: Case, rule: MaskRule) -> Iterator[tuple[str, str]]:
    """Yield the label of each picture, and the picture for `src`: empty where it cannot be read."""
    for path in case.photos[:_PICTURES]:
        yield short_path(path), _photo_picture(path)
    if case.mask is not None:
        yield short_path(case.mask), _mask_picture(case.mask, rule)


def _photo_picture(path: Path) -> str:
    try:
        photo = read_photo(path)
    except ImageError:
        return ""
    return _encode(shrink(photo, _SIDE), "jpeg")


def _mask_picture(path: Path, rule: MaskRule) -> str:
    """Draw a mask light on dark, its small components in red and a little larger than they are."""
    try:
        mask = rule.read(path)
    except ImageError:
        return ""
    _, small = find_small_components(mask)
    drawn = np.array([_BACKGROUND, _PERSON], np.uint8)[mask]
    drawn[cv2.dilate(small.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0] = _SMALL
    return _encode(shrink(drawn, _SIDE), "png")


def _encode(picture: np.ndarray, kind: str) -> str:
    """Encode a picture so that it stands in the page, which needs no file beside it."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, 80] if kind == "jpeg" else []
    _, encoded = cv2.imencode(f".{kind}", picture[..., ::-1], quality)
    return f"data:image/{kind};base64,{base64.b64encode(encoded.tobytes()).decode()}"
