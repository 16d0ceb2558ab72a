"""The page of a run: scores, examples, settings, command and next steps."""

from dataclasses import dataclass
from pathlib import Path

from humanseg.pages.charts import Chart
from humanseg.pages.gallery import ERROR_LEGEND, anchor
from humanseg.pages.origin import Origin
from humanseg.pages.render import score, write_page


@dataclass(frozen=True)
class Example:
    """A valid photo that shows how good the run is.

    Attributes
    ----------
    kind
        Why this one, such as ``Worst``.
    id
        Its id, any text.
    photo, errors
        Paths of its pictures relative to the page.
    dice
        Its Dice, in [0, 1].
    """

    kind: str
    id: str
    photo: str
    errors: str
    dice: float

    @property
    def anchor(self) -> str:
        """The link to the photo on the error gallery."""
        return anchor(self.id)


@dataclass(frozen=True)
class Change:
    """A setting that is not the default one, with both values as text."""

    key: str
    value: str
    default: str


@dataclass(frozen=True)
class Step:
    """A next step, and the command for it."""

    text: str
    command: str


@dataclass(frozen=True)
class File:
    """A file of the run: what it is, its path relative to the page, and its size in bytes."""

    text: str
    path: str
    size: int


@dataclass(frozen=True)
class Relative:
    """Another run that this one belongs together with.

    Attributes
    ----------
    name
        Of the run.
    path
        Of its page, relative to this one.
    score
        Its Dice, as text; empty where it is not known.
    length
        Its epochs and their time, as text; empty where they are not known.
    """

    name: str
    path: str
    score: str
    length: str


@dataclass(frozen=True)
class RunHome:
    """The content of a run's page.

    Attributes
    ----------
    name, sentence
        Heading, and what was trained.
    dice, low, high
        Mean Dice over the valid photos, and the ends of its 95 % confidence interval.
    photos
        How many valid photos there are.
    facts
        Pairs of label and value.
    ratio
        Width of the examples' pictures over their height.
    charts, examples, changes, files, steps
        Sections, in their order; one that is empty is left out.
    relatives
        Pairs of a heading and the runs below it.
    last_stage
        On the page of a recipe, the stage whose charts and settings are shown.
    """

    name: str
    sentence: str
    dice: float
    low: float
    high: float
    photos: int
    facts: tuple[tuple[str, str], ...]
    ratio: float
    charts: tuple[Chart, ...]
    examples: tuple[Example, ...]
    changes: tuple[Change, ...]
    files: tuple[File, ...]
    steps: tuple[Step, ...]
    relatives: tuple[tuple[str, tuple[Relative, ...]], ...]
    last_stage: str = ""

    @property
    def interval(self) -> str:
        """The interval as it is read."""
        return f"{score(self.low)} to {score(self.high)}"

    @property
    def start(self) -> float:
        """The start of the axis of the interval; it ends at 1."""
        return max(start for start in (0.0, 0.5, 0.8, 0.9, 0.95) if start <= max(self.low, 0.0))

    def place(self, dice: float) -> float:
        """Return the place of a Dice on that line, in percent."""
        return round(100 * (dice - self.start) / (1 - self.start), 2)


def write_home_page(path: Path, home: RunHome, origin: Origin) -> None:
    """Write the page of a run, whole or not at all.

    Parameters
    ----------
    path
        The HTML file, in the run's folder.
    home
        What it shows.
    origin
        Where it comes from.

    Raises
    ------
    HumansegError
        The page cannot be written.
    """
    write_page(
        path,
        "home/home.html",
        heading=home.name,
        lead=home.sentence,
        facts=home.facts,
        origin=origin,
        home=home,
        legend=ERROR_LEGEND,
        command_below=True,
    )
