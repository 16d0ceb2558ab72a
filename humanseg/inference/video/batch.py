"""Several videos, one after the other: what is left to do, and what could not be used."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from humanseg.errors import HumansegError
from humanseg.inference.batch.failures import require_writable
from humanseg.inference.batch.input_files import InputFile
from humanseg.inference.batch.outputs import OUTPUTS
from humanseg.inference.batch.plan import InputOutcome, PredictionPlan, Target
from humanseg.inference.batch.process import make_matte
from humanseg.inference.batch.provenance import FileIdentity, ResultState
from humanseg.inference.video.comment import read_video_comment
from humanseg.inference.video.convert import (
    ConversionResult,
    VideoOutput,
    convert_video,
    plan_video_output,
)

_TRANSPARENT = ("cutout",)


def predict_videos(
    batch: PredictionPlan,
    sources: Iterable[InputFile],
    smooth: float,
    on_frame: Callable[[InputFile, float, float | None], None],
) -> Iterator[InputOutcome]:
    """Work on videos, one at a time."""
    require_writable(batch.destination.folder)
    batch = replace(batch, extra={"temporal_smoothing": smooth} if smooth else {})
    for source in sources:
        try:
            identity = FileIdentity(source.path, named=not source.stream)
            outputs = {kind: _film(batch, source, kind) for kind in batch.options.kinds}
            targets = _targets(batch, outputs, identity)
        except Exception as error:
            yield InputOutcome(source, failure=source.failure(error))
            continue
        to_make = [each for each in targets if each.is_to_be_made(batch.overwrite)]
        outcome = InputOutcome.of(source, targets, to_make)
        if to_make:
            # Not one video's trouble: without a model there is no other.
            batch.load()
            try:
                made = [_marked(batch, each, outputs[each.kind], identity) for each in to_make]
                done = _convert(batch, source, made, smooth, partial(on_frame, source))
                outcome = replace(outcome, frames=done.pictures, notes=done.notes)
            except Exception as error:
                outcome = replace(outcome, made=0, again=())
                # Another process may have put the same there meanwhile.
                if not isinstance(error.__cause__, FileExistsError) or not _are_there(
                    _targets(batch, outputs, identity)
                ):
                    outcome = replace(outcome, failure=source.failure(error))
        yield outcome


def _targets(
    batch: PredictionPlan, outputs: Mapping[str, VideoOutput], source: FileIdentity
) -> list[Target]:
    return [
        batch.target(output.path, kind, source, read_video_comment)
        for kind, output in outputs.items()
    ]


def _are_there(targets: Iterable[Target]) -> bool:
    return all(target.state is ResultState.CURRENT for target in targets)


def _film(batch: PredictionPlan, source: InputFile, kind: str) -> VideoOutput:
    _, draw = OUTPUTS[kind]
    transparent = kind in _TRANSPARENT
    file = batch.destination.file
    if file is None:
        # Named like the output of a photo, but for the suffix.
        stem = batch.destination.path(source.place, kind).with_suffix("")
        return plan_video_output(source.path, stem, draw, transparent=transparent)
    output = plan_video_output(file, file.with_suffix(""), draw, transparent=transparent)
    if output.path != file:
        raise HumansegError(
            f"{source.path}: a {kind} cannot be kept in {file.name}; {output.path.name} "
            "can hold it."
        )
    return output


def _marked(
    batch: PredictionPlan, target: Target, output: VideoOutput, identity: FileIdentity
) -> VideoOutput:
    comment = batch.comment(target.kind, identity, person=True)
    is_new = target.state is ResultState.MISSING
    return replace(output, comment=comment, replace=batch.overwrite or not is_new)


def _convert(
    batch: PredictionPlan,
    source: InputFile,
    outputs: Iterable[VideoOutput],
    smooth: float,
    on_frame: Callable[[float, float | None], None],
) -> ConversionResult:
    model, options = batch.load(), batch.options
    return convert_video(
        source.path,
        tuple(outputs),
        model,
        lambda photo, probability, visible: make_matte(model, photo, probability, options, visible),
        smooth=smooth,
        tta=options.tta,
        on_frame=on_frame,
    )
