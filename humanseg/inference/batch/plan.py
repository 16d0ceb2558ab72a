"""What to make of photos and videos, and what of it exists already."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
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
    compare_result,
)
from humanseg.inference.model import Model
from humanseg.io.image_comment import read_comment
from humanseg.io.temporary_files import remove_abandoned_once
from humanseg.system.notices import Notice

_WITHOUT_THRESHOLD = ("probability", "soft")

_REFUSALS = {
    ResultState.SOURCE: "is the photo itself, and would be overwritten by its result. Choose "
    "another -o.",
    ResultState.OTHER_PHOTO: "is there already, made from another photo. Choose another folder "
    "with -o; --overwrite replaces it.",
    ResultState.UNKNOWN: "is there already, and does not say what it was made from. Move it away, "
    "or choose another folder with -o; --overwrite replaces it.",
}


@dataclass(frozen=True)
class OutputOptions:
    """The outputs of each photo."""

    # Keys of `humanseg.inference.batch.outputs.OUTPUTS`.
    kinds: tuple[str, ...]
    # For the output of that name.
    background: Background | None = None
    # None: the model's own.
    threshold: float | None = None
    # Average over the mirrored photo.
    tta: bool = False
    # Remove components that cover less than this share of the photo.
    min_area: float = 0.0
    keep_largest: bool = False
    fill_holes: bool = False

    @property
    def postprocesses(self) -> bool:
        """Whether the mask is post-processed."""
        return bool(self.min_area or self.keep_largest or self.fill_holes)

    def recorded(self, kind: str) -> dict[str, Any]:
        """Return all that shapes a result of a kind, as `Provenance` keeps it."""
        has_threshold = kind not in _WITHOUT_THRESHOLD or self.postprocesses
        options = {
            "kind": kind,
            "background": self.background.key if self.background and kind == BACKGROUND else None,
            "threshold": self.threshold if has_threshold else None,
            "tta": self.tta,
            "min_area": self.min_area,
            "keep_largest": self.keep_largest,
            "fill_holes": self.fill_holes,
        }
        return {name: value for name, value in options.items() if value}


@dataclass(frozen=True)
class Target:
    """A file that a result belongs in, and its state now."""

    path: Path
    kind: str
    state: ResultState
    provenance: Provenance | None = None

    def is_to_be_made(self, overwrite: bool) -> bool:
        """Return whether it is missing or outdated, or may be overwritten."""
        if self.state is ResultState.SOURCE:
            return False
        return overwrite or self.state is ResultState.MISSING or self.state in OUTDATED

    def refusal(self, source: Path) -> HumansegError | None:
        """Return why the existing file is neither what was requested nor replaced, if so."""
        if self.state not in _REFUSALS:
            return None
        message = f"{source}: {self.path} {_REFUSALS[self.state]}"
        return HumansegError(message, code="inference.output_exists")


class InputStatus(StrEnum):
    """The status of a photo or video."""

    MADE = "made"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True)
class InputOutcome:
    """The outcome of a photo or video."""

    source: InputFile
    # Its results, also those that existed before.
    paths: tuple[Path, ...] = ()
    # How many of them were made now.
    made: int = 0
    # Why existing results were made again.
    remade: tuple[ResultState, ...] = ()
    # Whether anybody was found, as far as is known.
    person: bool = True
    # How many frames of a video were processed.
    frames: int = 0
    # What differs from the original video, or was left out, in words.
    notes: tuple[str, ...] = ()
    # Why some or all results do not exist.
    failure: InputFailure | None = None
    # What a person should know of it, such as that it is one frame of an animation.
    notices: tuple[Notice, ...] = ()

    @property
    def status(self) -> InputStatus:
        """Its one status."""
        if self.failure is not None:
            return InputStatus.FAILED
        return InputStatus.MADE if self.made else InputStatus.UNCHANGED

    @classmethod
    def of(cls, source: InputFile, targets: Sequence[Target], to_make: Sequence[Target]) -> Self:
        """Return what becomes of a photo or video, provided that `to_make` is made."""
        refusals = [target.refusal(source.path) for target in targets if target not in to_make]
        refusal = next((refusal for refusal in refusals if refusal), None)
        return cls(
            source,
            paths=tuple(target.path for target in targets),
            made=len(to_make),
            remade=tuple(target.state for target in to_make if target.state in OUTDATED),
            person=all(target.provenance.person for target in targets if target.provenance),
            failure=source.failure(refusal) if refusal else None,
        )


@dataclass(frozen=True)
class PredictionPlan:
    """The plan for many photos or videos: outputs, destination and options."""

    options: OutputOptions
    destination: Destination
    # Returns the model; called when the first result is to be made, from any thread.
    load: Callable[[], Model]
    # Digest of the model.
    model: str
    # Whether to replace existing results.
    overwrite: bool = False
    # Further options that shape results.
    extra: Mapping[str, Any] | None = None
    # Processor cores for the codecs of a video; 0: all.
    threads: int = 0

    def target(
        self,
        path: Path,
        kind: str,
        source: FileIdentity,
        read: Callable[[Path], str | None] = read_comment,
    ) -> Target:
        """Inspect the file that a result belongs in; `read` returns the comment in it."""
        # Also where nothing is left to make: what a killed command was writing is removed.
        remove_abandoned_once(path.parent)
        state, provenance = compare_result(path, source, self.model, self._recorded(kind), read)
        return Target(path, kind, state, provenance)

    def comment(self, kind: str, source: FileIdentity, *, person: bool) -> str:
        """Return the comment to keep in the file of a result."""
        return Provenance(
            photo=source.content,
            origin=source.origin,
            stat=source.settled_stat,
            model=self.model,
            options=self._recorded(kind),
            person=person,
        ).text()

    def _recorded(self, kind: str) -> dict[str, Any]:
        return self.options.recorded(kind) | dict(self.extra or {})
