"""Predicts photos, then videos, and prints what came of them."""

import argparse
import os
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from humanseg.api.options import as_path
from humanseg.cli.options import Parser, print_note
from humanseg.cli.predict.options import add_options
from humanseg.cli.predict.outcomes import PredictionSummary, print_failures
from humanseg.errors import HumansegError, plural, printable
from humanseg.system.streams import was_closed
from humanseg.system.threads import usable_threads

if TYPE_CHECKING:
    from humanseg.inference.batch.failures import InputFailure
    from humanseg.inference.batch.outputs import Destination
    from humanseg.inference.batch.search import CollectedInputs
    from humanseg.inference.predict import PredictionBatch
    from humanseg.system.notices import Notices

_DEFAULT_FOLDER = Path("predictions")
_STDOUT = "-"
_MORE_KINDS = ", --save cutout or --background blur:15 makes more than masks"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `humanseg predict`."""
    add_options(parser)
    if isinstance(parser, Parser):
        parser.scattered = "paths"


def run(arguments: argparse.Namespace) -> int:
    """Predict; return 0, or 1 where some photos or videos could not be used."""
    from humanseg.inference.batch.stdin import spool_folder

    with spool_folder() as spool, _printer(arguments.out == _STDOUT) as notify:
        return _run(arguments, spool, notify)


def _run(
    arguments: argparse.Namespace, spool: Callable[[], Path], notify: Callable[[str], None]
) -> int:
    from humanseg.exporting.as_onnx import as_onnx
    from humanseg.inference.batch.collect import collect
    from humanseg.inference.predict import (
        PredictionBatch,
        output_options,
        require_one_result,
        uses,
    )
    from humanseg.system.notices import Notices

    # What Pillow warns of in a file that it reads all the same.
    warnings.filterwarnings("ignore", module="PIL")
    notices = Notices()
    options = output_options(
        arguments.save or (),
        arguments.background,
        notices,
        threshold=arguments.threshold,
        tta=arguments.tta,
        min_area=arguments.min_area,
        keep_largest=arguments.keep_largest,
        fill_holes=arguments.fill_holes,
    )
    destination = _destination(arguments.out, options.kinds, spool)
    out = destination.file or destination.folder
    collected = collect(arguments.paths, out, spool, _read_stdin)
    if destination.file is not None:
        if arguments.out == _STDOUT and any(source.is_video for source in collected.inputs):
            raise _bad_output("-o - writes a picture. For what is made of a video, name a file.")
        require_one_result(f"-o {arguments.out}", destination.file, collected.inputs, options.kinds)
    models = {use: as_onnx(arguments.model, use, print_note) for use in uses(collected.inputs)}
    if arguments.out is None:
        more = "" if arguments.save or arguments.background else _MORE_KINDS
        notify(f"Results go to {destination.folder}{os.sep}; -o names another folder{more}.")

    cores = usable_threads(arguments.threads)
    batch = PredictionBatch(
        collected.inputs, models, options, destination, arguments.overwrite, cores
    )
    summaries = PredictionSummary("photo"), PredictionSummary("video")
    folder = None if destination.file else destination.folder
    try:
        _predict(batch, arguments, summaries, notify)
    except BaseException:
        # The failures until now would be forgotten otherwise.
        if failures := _failures(collected, summaries):
            print_failures(failures, folder, notify)
        raise
    _print_remarks(collected, summaries, notices, notify)
    failures = _failures(collected, summaries)
    print_failures(failures, folder, notify)
    if arguments.out == _STDOUT and not failures and destination.file is not None:
        with destination.file.open("rb") as result:
            shutil.copyfileobj(result, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    return 1 if failures else 0


def _predict(
    batch: "PredictionBatch",
    arguments: argparse.Namespace,
    summaries: tuple[PredictionSummary, PredictionSummary],
    notify: Callable[[str], None],
) -> None:
    """Process photos, then videos."""
    if batch.photos:
        start = time.monotonic()
        _predict_photos(batch, summaries[0])
        out = None if arguments.out == _STDOUT else batch.destination.folder
        notify(summaries[0].text(time.monotonic() - start, out))
    if batch.videos:
        from humanseg.cli.predict.videos import predict_all

        predict_all(batch, arguments.temporal_smoothing, summaries[1], notify)


def _failures(
    collected: "CollectedInputs", summaries: Sequence[PredictionSummary]
) -> "list[InputFailure]":
    return [
        *collected.failures,
        *(failure for summary in summaries for failure in summary.failures),
    ]


def _print_remarks(
    collected: "CollectedInputs",
    summaries: Sequence[PredictionSummary],
    notices: "Notices",
    notify: Callable[[str], None],
) -> None:
    """Print what a person should know of what was used, and what was left out."""
    from humanseg.inference.batch.collect import count_kinds

    for summary in summaries:
        if summary.without_person:
            notify(summary.describe_without_person())
        for outcome in summary.with_notices:
            notices.add(outcome.source.path, outcome.notices)
    for line in notices.lines():
        notify(printable(line))
    if collected.left_out:
        count = collected.left_out.total()
        kinds = "another kind" if count == 1 else "other kinds"
        notify(f"{plural(count, 'file')} of {kinds} left out: {count_kinds(collected.left_out)}")


def _destination(out: str | None, kinds: Sequence[str], spool: Callable[[], Path]) -> "Destination":
    from humanseg.inference.batch.outputs import OUTPUTS, Destination
    from humanseg.inference.predict import destination_at

    if out is None:
        return Destination(_DEFAULT_FOLDER)
    if out == _STDOUT:
        for is_unfit, what in (
            (was_closed(sys.stdout), "closed"),
            (sys.stdout.isatty(), "this terminal"),
        ):
            if is_unfit:
                raise _bad_output(
                    f"-o - writes a picture to standard output, which is {what}: send it on with "
                    "| or >, or name a file."
                )
        suffix, _ = OUTPUTS[kinds[0]]
        return Destination(spool(), spool() / f"result{suffix}")
    path = as_path("-o", out)
    return Destination(path) if out.endswith(("/", os.sep)) else destination_at(path)


def _bad_output(message: str) -> HumansegError:
    return HumansegError(message, code="cli.bad_output")


def _predict_photos(batch: "PredictionBatch", summary: PredictionSummary) -> None:
    import cv2
    from rich.console import Console

    from humanseg.system.progress import progress_on

    cv2.setNumThreads(batch.threads_per_photo)
    done = 0
    try:
        # On stderr, so that the summary alone can be sent to a file.
        with progress_on(Console(stderr=True), "photos") as move:
            for done, outcome in enumerate(batch.predict_photos(), start=1):
                summary.add(outcome)
                move(done, len(batch.photos))
    except (KeyboardInterrupt, HumansegError) as error:
        if done or isinstance(error, KeyboardInterrupt):
            print(
                f"{done} of {plural(len(batch.photos), 'photo')} are done. The same command "
                "continues with the others.",
                file=sys.stderr,
            )
        raise


def _read_stdin() -> bytes:
    if was_closed(sys.stdin):
        message = "Standard input is closed: there is nothing to read for -."
        raise HumansegError(message, code="cli.closed_input")
    if sys.stdin.isatty():
        print("Paths, one a line; Ctrl-D ends the list:", file=sys.stderr)
    return sys.stdin.buffer.read()


@contextmanager
def _printer(to_stderr: bool) -> Iterator[Callable[[str], None]]:
    """Yield what prints a line; to standard error, all come at the end, after the picture."""
    if not to_stderr:
        yield print
        return
    lines: list[str] = []
    try:
        yield lines.append
    finally:
        for line in lines:
            print(line, file=sys.stderr)
