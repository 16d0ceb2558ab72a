"""What is to be made of photos and videos, and what of it is there already."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from humanseg.errors import HumansegError
from humanseg.inference.backgrounds import Background
from humanseg.inference.batch.failures import InputFailure
from humanseg.inference.batch.input_files import InputFile
from humanseg.inference.batch.outputs import BACKGROUND, Destination
from humanseg.inference.batch.provenance import (
    OUTDATED,
    FileIdentity,
    Provenance,
    ResultState,
    state_of,
)
from humanseg.inference.model import Model
from humanseg.io.image_comment import read_comment
from humanseg.io.temporary_files import remove_abandoned_once
from humanseg.system.notices import Notice

_WITHOUT_THRESHOLD = ("probability", "soft")


@dataclass(frozen=True)
class OutputOptions:
    """What shall be made of each photo."""

    # Keys of `humanseg.inference.batch.outputs.OUTPUTS`.
    kinds: tuple[str, ...]
    # What the person is put before, for the output of that name.
    background: Background | None = None
    # Other than the model's own.
    threshold: float | None = None
    # Average over the mirrored photo.
    tta: bool = False
    # Remove figures that cover less than this share of the photo.
    min_area: float = 0.0
    # Tidy the mask so.
    keep_largest: bool = False
    fill_holes: bool = False

    @property
    def tidies(self) -> bool:
        """Whether the mask is tidied."""
        return bool(self.min_area or self.keep_largest or self.fill_holes)

    def options(self, kind: str) -> dict[str, Any]:
        """Return all that shapes a result of a kind, as `Provenance` keeps it."""
        options = {
            "kind": kind,
            "background": self.background.key if self.background and kind == BACKGROUND else None,
            "threshold": None if kind in _WITHOUT_THRESHOLD and not self.tidies else self.threshold,
            "tta": self.tta,
            "min_area": self.min_area,
            "keep_largest": self.keep_largest,
            "fill_holes": self.fill_holes,
        }
        return {name: value for name, value in options.items() if value}


@dataclass(frozen=True)
class Target:
    """A file that a result belongs in, and what is there now."""

    path: Path
    kind: str
    state: ResultState
    found: Provenance | None = None

    def is_to_be_made(self, overwrite: bool) -> bool:
        """Return whether it is missing or outdated, or may be overwritten."""
        if self.state is ResultState.SOURCE:
            return False
        return overwrite or self.state is ResultState.MISSING or self.state in OUTDATED

    def refusal(self, source: Path) -> HumansegError | None:
        """Return why what is there is neither what was asked for nor replaced unasked, if so."""
        if self.state is ResultState.SOURCE:
            said = "is the photo itself, and would be overwritten by its result. Choose another -o."
        elif self.state is ResultState.OTHER_PHOTO:
            said = (
                "is there already, made from another photo. Choose another folder with -o; "
                "--overwrite replaces it."
            )
        elif self.state is ResultState.UNKNOWN:
            said = (
                "is there already, and does not say what it was made from. Move it away, or choose "
                "another folder with -o; --overwrite replaces it."
            )
        else:
            return None
        return HumansegError(f"{source}: {self.path} {said}")


@dataclass(frozen=True)
class InputOutcome:
    """What became of a photo or video."""

    # The photo or video.
    source: InputFile
    # Its results, those that were there already among them.
    paths: tuple[Path, ...] = ()
    # How many of them were made now.
    made: int = 0
    # Why results that were there were made again.
    again: tuple[ResultState, ...] = ()
    # Whether anybody was found, as far as is known.
    person: bool = True
    # Of a video, how many were worked on.
    frames: int = 0
    # What of a video is not as it was, or left out, in words.
    notes: tuple[str, ...] = ()
    # Why some or all results are not there.
    failure: InputFailure | None = None
    # What a person should know of it, such as that it is one frame of an animation.
    notices: tuple[Notice, ...] = ()

    @classmethod
    def of(cls, source: InputFile, targets: Sequence[Target], to_make: Sequence[Target]) -> Self:
        """Return what becomes of a photo or video, provided that `to_make` is made."""
        refusals = [each.refusal(source.path) for each in targets if each not in to_make]
        refusal = next((each for each in refusals if each), None)
        return cls(
            source,
            paths=tuple(each.path for each in targets),
            made=len(to_make),
            again=tuple(each.state for each in to_make if each.state in OUTDATED),
            person=all(each.found.person for each in targets if each.found),
            failure=source.failure(refusal) if refusal else None,
        )


@dataclass(frozen=True)
class PredictionPlan:
    """What is to be made of many photos or videos, where, and how."""

    options: OutputOptions
    # Where the results go.
    destination: Destination
    # Returns the model; called when the first result is to be made, from any thread.
    load: Callable[[], Model]
    # Digest of the model.
    model: str
    # Whether to make again what is there.
    overwrite: bool = False
    # Further options that shape results.
    extra: Mapping[str, Any] | None = None

    def target(
        self,
        path: Path,
        kind: str,
        source: FileIdentity,
        read: Callable[[Path], str | None] = read_comment,
    ) -> Target:
        """Look at the file that a result belongs in; `read` returns the comment that it holds."""
        # Also where nothing is left to make: what a killed command was writing goes.
        remove_abandoned_once(path.parent)
        state, found = state_of(path, source, self.model, self._options(kind), read)
        return Target(path, kind, state, found)

    def comment(self, kind: str, source: FileIdentity, *, person: bool) -> str:
        """Return what the file of a result is to say of itself."""
        return Provenance(
            photo=source.content,
            origin=source.origin,
            stat=source.settled_stat,
            model=self.model,
            options=self._options(kind),
            person=person,
        ).text()

    def _options(self, kind: str) -> dict[str, Any]:
        return self.options.options(kind) | dict(self.extra or {})
