"""The page of the data check."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from humanseg.pages.origin import Origin
from humanseg.pages.render import write_page


@dataclass(frozen=True)
class Picture:
    """A small picture that travels inside the page.

    Attributes
    ----------
    label
        Under the picture, and read aloud in its place.
    encoded
        The bytes of a JPEG or PNG file; None shows an empty frame instead.
    """

    label: str
    encoded: bytes | None

    @property
    def source(self) -> str:
        """A data URI, so that the page needs no file beside it; empty without a picture."""
        if self.encoded is None:
            return ""
        kind = "png" if self.encoded.startswith(b"\x89PNG") else "jpeg"
        return f"data:image/{kind};base64,{base64.b64encode(self.encoded).decode()}"


@dataclass(frozen=True)
class PageCase:
    """A card: what was found, and the pictures that show it."""

    message: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class PageFinding:
    """A section.

    Attributes
    ----------
    kind, advice
        Its heading, and what to do.
    level
        "stops", "warning" or "note".
    count
        How many cases there are.
    cases
        The first of them, as cards.
    others
        The messages of further ones.
    """

    kind: str
    advice: str
    level: str
    count: int
    cases: tuple[PageCase, ...]
    others: tuple[str, ...]


@dataclass(frozen=True)
class PageSplit:
    """A row of the table of splits.

    Attributes
    ----------
    name, photos, masks, sizes, foreground
        As they are to be read.
    histogram
        Bars from no person to all person, each in [0, 1] of the highest; empty without masks.
    """

    name: str
    photos: str
    masks: str
    sizes: str
    foreground: str
    histogram: tuple[float, ...]


def write_doctor_page(
    path: Path,
    root: str,
    verdict: str,
    stops: bool,
    splits: Sequence[PageSplit],
    findings: Sequence[PageFinding],
    origin: Origin | None = None,
) -> None:
    """Write the page of the data doctor, one file that needs no other, whole or not at all."""
    write_page(
        path,
        "doctor.html",
        heading="Data check",
        lead=root,
        facts=[(split.name, split.photos) for split in splits],
        verdict=verdict,
        tone="bad" if stops else "warn" if any(f.level == "warning" for f in findings) else "good",
        splits=splits,
        findings=findings,
        origin=origin,
        badges={
            "stops": ("bad", "stops training"),
            "warning": ("warn", "warning"),
            "note": ("", "note"),
        },
    )
