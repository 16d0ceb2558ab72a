"""The report of the data check as a page, with small images of the cases that are shown."""

from pathlib import Path

import cv2
import numpy as np

from humanseg.data.checks.problems import escape
from humanseg.data.checks.report import Case, CheckReport, Finding, SplitSummary
from humanseg.data.layout.mask_rule import MaskRule
from humanseg.data.small_components import find_small_components
from humanseg.io.images import ImageError, read_photo
from humanseg.pages.doctor import PageCase, PageFinding, PageSplit, Picture, write_doctor_page
from humanseg.pages.origin import Origin, now, readable_date

_CARDS = 24
_NAMED = 2000
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
    write_doctor_page(
        path,
        root=escape(str(report.root)),
        verdict=report.verdict(),
        stops=report.stops_training,
        splits=[_split(summary) for summary in report.splits],
        findings=[_finding(finding, report.rule) for finding in report.findings],
        origin=Origin(date=readable_date(now()), command=command),
    )


def _split(summary: SplitSummary) -> PageSplit:
    counts, _ = np.histogram(summary.foreground, bins=_BARS, range=(0, 1))
    return PageSplit(
        summary.name,
        str(summary.photos),
        "-" if summary.masks is None else str(summary.masks),
        summary.sizes_text().replace("x", "×"),
        summary.foreground_text(),
        tuple(float(bar) for bar in counts / counts.max()) if summary.foreground else (),
    )


def _finding(finding: Finding, rule: MaskRule) -> PageFinding:
    return PageFinding(
        finding.kind,
        finding.advice,
        finding.level,
        len(finding.cases),
        tuple(PageCase(case.message, _pictures(case, rule)) for case in finding.cases[:_CARDS]),
        tuple(case.message for case in finding.cases[_CARDS : _CARDS + _NAMED]),
    )


def _pictures(case: Case, rule: MaskRule) -> tuple[Picture, ...]:
    paths = list(case.photos[:_PICTURES])
    pictures = [Picture(_label(path), _photo_picture(path)) for path in paths]
    if case.mask is not None:
        pictures.append(Picture(_label(case.mask), _mask_picture(case.mask, rule)))
    return tuple(pictures)


def _label(path: Path) -> str:
    return escape(f"{path.parent.name}/{path.name}")


def _photo_picture(path: Path) -> bytes | None:
    try:
        photo = read_photo(path)
    except ImageError:
        return None
    return _encode(_thumbnail(photo), ".jpg")


def _mask_picture(path: Path, rule: MaskRule) -> bytes | None:
    """Draw a mask light on dark, its small components in red and a little larger than they are."""
    try:
        mask = rule.read(path)
    except ImageError:
        return None
    _, small = find_small_components(mask)
    drawn = np.array([_BACKGROUND, _PERSON], np.uint8)[mask]
    drawn[cv2.dilate(small.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0] = _SMALL
    return _encode(_thumbnail(drawn), ".png")


def _thumbnail(picture: np.ndarray) -> np.ndarray:
    scale = min(1.0, _SIDE / max(picture.shape[:2]))
    height, width = (max(1, round(side * scale)) for side in picture.shape[:2])
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def _encode(picture: np.ndarray, suffix: str) -> bytes:
    quality = [cv2.IMWRITE_JPEG_QUALITY, 80] if suffix == ".jpg" else []
    _, encoded = cv2.imencode(suffix, picture[..., ::-1], quality)
    return encoded.tobytes()
