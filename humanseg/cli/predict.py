"""`humanseg predict`: masks, cut-outs and new backgrounds for photos and videos."""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from humanseg.cli.parser import Parser
from humanseg.cli.predict_options import add_options
from humanseg.cli.predict_outcomes import PredictionSummary, plural, print_failures
from humanseg.errors import HumansegError, printable
from humanseg.io.files import explain_os_error
from humanseg.system.streams import was_closed

if TYPE_CHECKING:
    from humanseg.inference.batch.collect import CollectedInputs
    from humanseg.inference.batch.failures import InputFailure
    from humanseg.inference.batch.input_files import InputFile
    from humanseg.inference.batch.outputs import Destination
    from humanseg.inference.batch.plan import OutputOptions, PredictionPlan
    from humanseg.inference.model import Model
    from humanseg.system.notices import Notices

_DEFAULT_FOLDER = Path("predictions")
_STDOUT = "-"
_OTHERS = ", --save cutout or --background blur:15 makes more than masks"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `humanseg predict`."""
    add_options(parser)
    if isinstance(parser, Parser):
        parser.scattered = "paths"


def run(arguments: argparse.Namespace) -> int:
    """Predict; return 0, or 1 where some photos or videos could not be used."""
    with ExitStack() as stack:

        @cache
        def spool() -> Path:
            try:
                return Path(stack.enter_context(TemporaryDirectory(prefix="humanseg-")))
            except OSError as error:
                raise explain_os_error(
                    error, Path("a temporary file; TMPDIR names its folder")
                ) from error

        return _run(arguments, spool)


def _run(arguments: argparse.Namespace, spool: Callable[[], Path]) -> int:
    from humanseg.inference.batch.collect import collect
    from humanseg.inference.batch.plan import PredictionPlan
    from humanseg.inference.model_file import find_model, model_digest
    from humanseg.system.notices import Notices

    notices = Notices()
    options = _wish(arguments, notices)
    to_stdout = arguments.out == _STDOUT
    destination = _destination(arguments.out, options.kinds, spool)
    found = collect(arguments.paths, destination.file or destination.folder, spool, _read_stdin)
    if destination.file is not None:
        _require_one(arguments.out, found.sources, options.kinds)
    model = model_digest(find_model(arguments.model))
    say = _say_on_stderr if to_stdout else print
    if arguments.out is None:
        others = "" if arguments.save or arguments.background else _OTHERS
        say(f"Results go to {destination.folder}{os.sep}; -o names another folder{others}.")

    def batch(threads: int) -> PredictionPlan:
        load = _loader(arguments.model, threads)
        return PredictionPlan(options, destination, load, model, arguments.overwrite)

    tallies = PredictionSummary("photo"), PredictionSummary("video")
    folder = None if destination.file else destination.folder
    try:
        _work(batch, found, arguments, tallies, say)
    except BaseException:
        # What has failed until now would else be forgotten.
        if failures := _failures(found, tallies):
            print_failures(failures, folder, say)
        raise
    _say_more(found, tallies, notices, say)
    failures = _failures(found, tallies)
    print_failures(failures, folder, say)
    if to_stdout and not failures and destination.file is not None:
        with destination.file.open("rb") as result:
            shutil.copyfileobj(result, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    return 1 if failures else 0


def _work(
    batch: "Callable[[int], PredictionPlan]",
    found: "CollectedInputs",
    arguments: argparse.Namespace,
    tallies: tuple[PredictionSummary, PredictionSummary],
    say: Callable[[str], None],
) -> None:
    """Work on photos, then on videos; `batch` is told the number of the model's threads."""
    # More threads than cores only wait for each other: a hundred times as many, for a minute.
    cores = min(arguments.threads or _cores(), _cores())
    photos = [source for source in found.sources if not source.is_video]
    videos = [source for source in found.sources if source.is_video]
    if photos:
        workers = min(cores, len(photos))
        # One core for each photo: more done in all than with all cores for each photo in turn.
        each = batch(max(1, cores // workers))
        begin = time.monotonic()
        _predict(each, photos, workers, cores, tallies[0])
        out = None if arguments.out == _STDOUT else each.destination.folder
        say(tallies[0].summary(time.monotonic() - begin, out))
    if videos:
        # Only now: PyAV is loaded for it.
        from humanseg.cli.predict_videos import predict_all

        predict_all(batch(cores), videos, arguments.temporal_smoothing, cores, tallies[1], say)


def _failures(
    found: "CollectedInputs", tallies: Sequence[PredictionSummary]
) -> "list[InputFailure]":
    return [*found.failures, *(failure for tally in tallies for failure in tally.failures)]


def _say_more(
    found: "CollectedInputs",
    tallies: Sequence[PredictionSummary],
    notices: "Notices",
    say: Callable[[str], None],
) -> None:
    """Print what a person should know of what was used, and what was left out."""
    from humanseg.inference.batch.collect import count_kinds

    for tally in tallies:
        if tally.empty:
            say(tally.describe_empty())
        for outcome in tally.noticed:
            notices.add(outcome.source.path, outcome.notices)
    for line in notices.lines():
        say(printable(line))
    if found.left_out:
        count = found.left_out.total()
        kinds = "another kind" if count == 1 else "other kinds"
        say(f"{plural(count, 'file')} of {kinds} left out: {count_kinds(found.left_out)}")


def _wish(arguments: argparse.Namespace, notices: "Notices") -> "OutputOptions":
    from humanseg.inference.backgrounds import parse_background
    from humanseg.inference.batch.outputs import BACKGROUND
    from humanseg.inference.batch.plan import OutputOptions

    background = parse_background(arguments.background, notices) if arguments.background else None
    kinds = arguments.save or (() if background else ("mask",))
    return OutputOptions(
        kinds=(*kinds, BACKGROUND) if background else kinds,
        background=background,
        threshold=arguments.threshold,
        tta=arguments.tta,
        min_area=arguments.min_area,
        keep_largest=arguments.keep_largest,
        fill_holes=arguments.fill_holes,
    )


def _destination(out: str | None, kinds: Sequence[str], spool: Callable[[], Path]) -> "Destination":
    from humanseg.inference.batch.outputs import OUTPUTS, Destination
    from humanseg.inference.batch.search import FOUND

    if out is None:
        return Destination(_DEFAULT_FOLDER)
    if not out.strip():
        # An unset variable of a script, mostly; a dot means this folder.
        raise HumansegError("-o is empty: name a folder or a file; . is this folder.")
    if out == _STDOUT:
        if was_closed(sys.stdout):
            raise HumansegError(
                "-o - writes a picture to standard output, which is closed: send it on with | or "
                ">, or name a file."
            )
        if sys.stdout.isatty():
            raise HumansegError(
                "-o - writes a picture to standard output, which is this terminal: send it on "
                "with | or >, or name a file."
            )
        suffix, _ = OUTPUTS[kinds[0]]
        return Destination(spool(), spool() / f"result{suffix}")
    path = Path(out)
    is_folder = os.path.isdir(path) or out.endswith(("/", os.sep))
    if is_folder or path.suffix.lower() not in FOUND:
        return Destination(path)
    return Destination(path.parent, path)


def _require_one(out: str, sources: "Sequence[InputFile]", kinds: Sequence[str]) -> None:
    """Raise where more than one result would go into one file, or into one that cannot hold it."""
    from humanseg.io.images import require_format

    one = "writes one result" if out == _STDOUT else "is one file"
    if len(sources) > 1:
        raise HumansegError(
            f"-o {out} {one}, and there are {len(sources)} photos or videos: name a folder."
        )
    if len(kinds) > 1:
        raise HumansegError(
            f"-o {out} {one}, and there are {len(kinds)} kinds of results ({', '.join(kinds)}): "
            "name a folder, or one kind."
        )
    if out == _STDOUT and any(source.is_video for source in sources):
        raise HumansegError("-o - writes a picture. For what is made of a video, name a file.")
    if sources and not sources[0].is_video and out != _STDOUT:
        require_format(Path(out), transparent=kinds[0] == "cutout")


def _predict(
    batch: "PredictionPlan",
    photos: "Sequence[InputFile]",
    workers: int,
    cores: int,
    tally: PredictionSummary,
) -> None:
    import warnings

    import cv2
    from rich.console import Console

    from humanseg.inference.batch.process import predict_photos
    from humanseg.system.progress import progress_on

    cv2.setNumThreads(max(1, cores // workers))
    # What Pillow finds odd in a file that it reads all the same.
    warnings.filterwarnings("ignore", module="PIL")
    done = 0
    try:
        # On stderr, so that the summary alone can be sent to a file.
        with progress_on(Console(stderr=True), "photos") as move:
            for outcome in predict_photos(batch, photos, workers):
                done += 1
                tally.add(outcome)
                move(done, len(photos))
    except (KeyboardInterrupt, HumansegError) as error:
        if done or isinstance(error, KeyboardInterrupt):
            print(
                f"{done} of {plural(len(photos), 'photo')} are done. The same command goes on "
                "with the others.",
                file=sys.stderr,
            )
        raise


def _loader(path: Path | None, threads: int) -> "Callable[[], Model]":
    """Return what loads the model once, whichever thread asks first."""
    from threading import Lock

    lock = Lock()

    @cache
    def load() -> "Model":
        from humanseg.inference import load_model

        return load_model(path, threads)

    def locked() -> "Model":
        with lock:
            return load()

    return locked


def _read_stdin() -> bytes:
    if was_closed(sys.stdin):
        raise HumansegError("Standard input is closed: there is nothing to read for -.")
    if sys.stdin.isatty():
        print("Paths, one a line; Ctrl-D ends the list:", file=sys.stderr)
    return sys.stdin.buffer.read()


def _say_on_stderr(text: str) -> None:
    print(text, file=sys.stderr)


def _cores() -> int:
    # Fewer than the machine has, where a container or taskset allows fewer.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
