"""Many videos, one after the other, with the outcome of each."""

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
from humanseg.inference.video.convert import (
    ConversionResult,
    VideoOutput,
    convert_video,
    plan_video_output,
)
from humanseg.inference.video.probe import read_video_comment

_TRANSPARENT = ("cutout",)


def predict_videos(
    plan: PredictionPlan,
    videos: Iterable[InputFile],
    smoothing: float,
    on_frame: Callable[[InputFile, float, float | None], None],
) -> Iterator[InputOutcome]:
    """Process videos one at a time and yield the outcome of each.

    `on_frame` is called after each frame with the video, the seconds of it that are done, and its
    duration where that is known. Raise HumansegError for a reason that holds for all videos.
    """
    require_writable(plan.destination.folder)
    plan = replace(plan, extra={"temporal_smoothing": smoothing} if smoothing else {})
    for source in videos:
        try:
            identity = FileIdentity(source.path, named=not source.stream)
            outputs = {kind: _video_output(plan, source, kind) for kind in plan.options.kinds}
            targets = _targets(plan, outputs, identity)
        except Exception as error:
            yield InputOutcome(source, failure=source.failure(error))
            continue
        to_make = [target for target in targets if target.is_to_be_made(plan.overwrite)]
        outcome = InputOutcome.of(source, targets, to_make)
        if to_make:
            # Outside of the try block: without a model no other video can be processed either.
            plan.load()
            try:
                result = _convert(plan, source, outputs, to_make, identity, smoothing, on_frame)
                outcome = replace(outcome, frames=result.frames, notes=result.notes)
            except Exception as error:
                outcome = replace(outcome, made=0, remade=())
                # Another process may have put the same results there meanwhile.
                if not isinstance(error.__cause__, FileExistsError) or any(
                    target.state is not ResultState.CURRENT
                    for target in _targets(plan, outputs, identity)
                ):
                    outcome = replace(outcome, failure=source.failure(error))
        yield outcome


def _targets(
    plan: PredictionPlan, outputs: Mapping[str, VideoOutput], source: FileIdentity
) -> list[Target]:
    return [
        plan.target(output.path, kind, source, read_video_comment)
        for kind, output in outputs.items()
    ]


def _video_output(plan: PredictionPlan, source: InputFile, kind: str) -> VideoOutput:
    _, render = OUTPUTS[kind]
    transparent = kind in _TRANSPARENT
    file = plan.destination.file
    if file is None:
        # Named like the output of a photo, but for the suffix.
        stem = plan.destination.path(source.stem, kind).with_suffix("")
        return plan_video_output(source.path, stem, render, transparent=transparent)
    output = plan_video_output(file, file.with_suffix(""), render, transparent=transparent)
    if output.path.suffix != file.suffix.lower():
        raise HumansegError(
            f"{source.path}: a {kind} cannot be kept in {file.name}; {output.path.name} can hold "
            "it.",
            code="io.wrong_format",
        )
    return replace(output, path=file)


def _convert(
    plan: PredictionPlan,
    source: InputFile,
    outputs: Mapping[str, VideoOutput],
    targets: Iterable[Target],
    identity: FileIdentity,
    smoothing: float,
    on_frame: Callable[[InputFile, float, float | None], None],
) -> ConversionResult:
    model, options = plan.load(), plan.options
    return convert_video(
        source.path,
        [
            replace(
                outputs[target.kind],
                comment=plan.comment(target.kind, identity, person=True),
                replace=plan.overwrite or target.state is not ResultState.MISSING,
            )
            for target in targets
        ],
        model,
        lambda photo, probability, visible: make_matte(model, photo, probability, options, visible),
        smoothing=smoothing,
        tta=options.tta,
        threads=plan.threads,
        on_frame=partial(on_frame, source),
    )
