"""The `humanseg` command: one verb per command, heavy imports inside the verb."""

import argparse
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from humanseg import __version__
from humanseg.cli.argument_types import share, values, whole_number
from humanseg.cli.parser import Parser, did_you_mean, one_of
from humanseg.config.error_text import explain
from humanseg.errors import HumansegError, printable
from humanseg.io.files import explain_os_error
from humanseg.system.interrupts import interruptible
from humanseg.system.streams import flush_output, protect_streams

if TYPE_CHECKING:
    from humanseg.data.layout.mask_rule import MaskRule

_COMMANDS: dict[str, str] = {
    "compare": "rank runs, with confidence intervals: a table, a CSV and a page",
    "export": "write the best model as files that other programs run, checked",
    "predict": "masks, cut-outs or new backgrounds for photos and videos",
    "demo": "cut people out of photos and the camera, in a page in the browser",
}
"""What each command of `humanseg.cli` does, in the order of the help."""

_NAMES = ("train", "evaluate", "score", "check", "sample", "validate", *_COMMANDS)
_SPLITS = ("train", "valid")
_HELP = {"--help", "-h"}


def _train(arguments: Sequence[str]) -> int:
    if not _HELP.isdisjoint(arguments):
        from humanseg.config.help import train_help

        print(train_help(arguments))
        return 0
    from humanseg.sweeps.plugin import announce_sweeper
    from humanseg.training.hydra_app import run_app

    announce_sweeper()
    run_app(arguments)
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    from humanseg.training.preflight.paths import require_run

    require_run(arguments.run, arguments.data)
    # Only now, when all is there: it loads torch.
    from humanseg.evaluation.evaluate import evaluate_run

    report = evaluate_run(
        arguments.run, arguments.data, arguments.split, arguments.tta, arguments.threshold
    )
    print(report.text())
    return 0


def _score(arguments: argparse.Namespace) -> int:
    from humanseg.submission import score_file

    # Unless it is said here, masks are read as by the run that the submission lies in.
    said = arguments.person_values or arguments.invert_masks
    rule = _mask_rule(arguments) if said else None
    print(printable(score_file(arguments.csv, arguments.data, arguments.split, rule).text()))
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    from humanseg.data.checks.data_check import examine
    from humanseg.system.progress import progress_on

    # On stderr, so that the report alone can be sent to a file.
    with progress_on(Console(stderr=True), "reading photos") as move:
        report = examine(arguments.root, move, _mask_rule(arguments))
    print(printable(report.text()))
    if arguments.html is not None:
        report.write_html(arguments.html)
        print(f"page: {arguments.html}")
    return 1 if report.stops_training else 0


def _mask_rule(arguments: argparse.Namespace) -> "MaskRule":
    from humanseg.data.layout.mask_rule import MaskRule

    return MaskRule(arguments.person_values, arguments.invert_masks)


def _sample(arguments: argparse.Namespace) -> int:
    from humanseg.data.synthetic import holds_sample, write_sample

    if holds_sample(arguments.dir, seed=arguments.seed):
        print(f"The sample data is already in {arguments.dir}")
    else:
        write_sample(arguments.dir, seed=arguments.seed)
        print(f"The sample data is in {arguments.dir}")
    return 0


def _validate(arguments: argparse.Namespace) -> int:
    from humanseg.config.validate import validate_shipped

    # The first config loads all that configs can name, which takes a while.
    print("Checking the shipped configs …", file=sys.stderr)
    mistakes = validate_shipped(say=partial(print, flush=True))
    if mistakes:
        raise HumansegError("These configs do not fit the code:\n  " + "\n  ".join(mistakes))
    return 0


def _add_split(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--split",
        default="valid",
        type=one_of(*_SPLITS),
        metavar="|".join(_SPLITS),
        help="the photos to score; default: valid",
    )


def _add_mask_rule(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--person-values",
        metavar="V[,V...]",
        type=values,
        default=(),
        help="the masks' values that are the person, as data.person_values of train",
    )
    verb.add_argument(
        "--invert-masks",
        action="store_true",
        help="of two values the darker one is the person, as data.invert_masks of train",
    )


def _parser(chosen: str | None) -> Parser:
    """Make the parser; of `humanseg.cli`, only the chosen one's options are looked up."""
    parser = Parser(
        prog="humanseg",
        description="Cut people out of photos: from five folders to the best checkpoint.",
        epilog="exit codes: 0 done; 1 done, with some items failed; 2 something must be changed; "
        "3 refused because the result would be wrong. HUMANSEG_DEBUG=1 shows tracebacks.",
    )
    parser.add_argument("--version", action="version", version=f"humanseg {__version__}")
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND")

    def add(
        name: str, does: str, action: Callable[[argparse.Namespace], int]
    ) -> argparse.ArgumentParser:
        verb = verbs.add_parser(name, help=does, description=does)
        verb.set_defaults(action=action)
        return verb

    # Only for the list of commands: main() hands everything after `train` to Hydra.
    verbs.add_parser("train", help="one run, or with -m a sweep; see humanseg train --help")

    verb = add("evaluate", "score the best checkpoint of a run", _evaluate)
    verb.add_argument("run", metavar="RUN", type=Path, help="the run's folder")
    verb.add_argument("--data", metavar="ROOT", type=Path, help="other data than the run's own")
    _add_split(verb)
    verb.add_argument("--tta", action="store_true", help="average over the mirrored photo")
    verb.add_argument("--threshold", metavar="T", type=share, help="other than the run's own")

    verb = add("score", "score a submission file the way the task does", _score)
    verb.add_argument("csv", metavar="CSV", type=Path, help="such as runs/NAME/pred_valid.csv")
    verb.add_argument(
        "--data", metavar="ROOT", type=Path, help="default: that of the run where CSV lies"
    )
    _add_split(verb)
    _add_mask_rule(verb)

    verb = add("check", "look for everything that is wrong with a data set", _check)
    verb.add_argument(
        "root",
        metavar="ROOT",
        type=Path,
        help="the folder of train, train_mask and so on",
    )
    verb.add_argument("--html", metavar="FILE", type=Path, help="write a page with pictures too")
    _add_mask_rule(verb)

    verb = add("sample", "write the built-in synthetic data set", _sample)
    verb.add_argument("dir", metavar="DIR", type=Path, help="a new or empty folder")
    verb.add_argument(
        "--seed", type=whole_number, default=0, help="0 or more: other photos for each; default: 0"
    )

    add("validate", "check every shipped config against the code, without data", _validate)

    for name, does in _COMMANDS.items():
        verb = verbs.add_parser(name, help=does, description=does)
        if name == chosen:
            command = import_module(f"humanseg.cli.{name}")
            command.configure(verb)
            verb.set_defaults(action=command.run)
    return parser


def _run(arguments: Sequence[str]) -> int:
    # Hydra has its own --help and flags, so argparse must not look at what follows the verb.
    if arguments and arguments[0] == "train":
        return _train(arguments[1:])
    if arguments and arguments[0] == "report":
        raise HumansegError(
            "humanseg report is now make report, in a clone of the repository: "
            'make report ARGS="--html", make report DATA=photos.',
            code="cli.moved_command",
        )
    parser = _parser(arguments[0] if arguments else None)
    if not arguments or arguments[0] == "help":
        parser.print_help()
        return 0 if arguments else HumansegError.exit_code
    if arguments[0][:1] != "-" and arguments[0] not in _NAMES:
        hint = did_you_mean(arguments[0], _NAMES) or "."
        if os.path.exists(arguments[0]):
            hint = f"; to find the people in it: humanseg predict {quote(arguments[0])}."
        raise HumansegError(
            f"humanseg {arguments[0]}: there is no such command{hint} The commands are "
            f"{', '.join(_NAMES)}; humanseg --help says what they do."
        )
    namespace = parser.parse_args(arguments)
    action: Callable[[argparse.Namespace], int] = namespace.action
    return action(namespace)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the `humanseg` command.

    Parameters
    ----------
    arguments
        The words after `humanseg`; those of the process when None.

    Returns
    -------
    int
        0 done; 1 done, with some items failed; 2 the person must change something; 3 refused
        because the result would be wrong; 130 stopped by Ctrl-C, 143 by SIGTERM, 129 by a
        closed terminal.
    """
    protect_streams()
    code = _answer(sys.argv[1:] if arguments is None else list(arguments))
    if error := flush_output():
        print(explain_os_error(error, Path("standard output")), file=sys.stderr)
        return HumansegError.exit_code
    return code


def _answer(arguments: Sequence[str]) -> int:
    """Run a command, and say in a paragraph what ended it."""
    try:
        with interruptible():
            return _run(arguments)
    except KeyboardInterrupt as error:
        number = getattr(error, "number", signal.SIGINT)
        print(f"Stopped by {signal.Signals(number).name}.", file=sys.stderr)
        return 128 + int(number)
    except Exception as error:
        explained = explain(error)
        if explained is None:
            raise
        if os.environ.get("HUMANSEG_DEBUG") == "1":
            traceback.print_exc()
        print(printable(str(explained)), file=sys.stderr)
        return explained.exit_code
