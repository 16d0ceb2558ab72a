"""The `humanseg` command: dispatches to a command, and returns its exit code."""

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from shlex import quote
from typing import Any

from humanseg import __version__
from humanseg.cli.options import Parser
from humanseg.config.command_line.error_text import explain
from humanseg.errors import HumansegError, nearest, printable
from humanseg.io.files import explain_os_error
from humanseg.system.interrupts import interruptible
from humanseg.system.streams import flush_output, protect_streams

COMMANDS: dict[str, str] = {
    "train": "one run, or with -m a sweep; see humanseg train --help",
    "evaluate": "score a run or an exported model",
    "compare": "rank runs, with confidence intervals: a table, a CSV and a page",
    "export": "write the best model as files that other programs run, checked",
    "predict": "masks, cut-outs or new backgrounds for photos and videos",
    "models": "list the bundled models: size, Dice, speed, licence",
    "score": "score a submission file the way the task does",
    "check": "look for everything that is wrong with a data set",
    "sample": "write the built-in synthetic data set",
    "check-configs": "check every shipped config against the code, without data",
    "demo": "cut people out of photos and the camera, in a page in the browser",
}
"""A description of each command, in the order of the help. Each is a module of `humanseg.cli`."""

RENAMED = {"validate": "check-configs"}
"""Commands by their names in 0.1, which are understood until 0.3."""


def command_module(name: str) -> Any:
    """Import the module of a command."""
    return import_module(f"humanseg.cli.{name.replace('-', '_')}")


def _parser(chosen: str) -> Parser:
    """Make the parser, with the options of the chosen command."""
    parser = Parser(
        prog="humanseg",
        description="Cut people out of photos: from five folders to the best checkpoint.",
        epilog="exit codes: 0 done; 1 done, with some items failed; 2 something must be changed; "
        "3 refused because the result would be wrong. HUMANSEG_DEBUG=1 shows tracebacks.",
    )
    parser.add_argument("--version", action="version", version=f"humanseg {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, does in COMMANDS.items():
        command = commands.add_parser(name, help=does, description=does)
        if name == chosen:
            module = command_module(name)
            module.configure(command)
            command.set_defaults(action=module.run)
    return parser


def _run(words: Sequence[str]) -> int:
    name = words[0] if words else ""
    if name in RENAMED:
        name = RENAMED[name]
        print(
            f"humanseg {words[0]} is now humanseg {name}; the old name works until 0.3.",
            file=sys.stderr,
        )
    # Hydra has its own --help and flags, so argparse must not look at what follows.
    if name == "train":
        return int(command_module(name).run(words[1:]))
    if name in ("", "help"):
        _parser(name).print_help()
        return 0 if words else HumansegError.exit_code
    if not name.startswith("-") and name not in COMMANDS:
        raise _unknown(name)
    arguments = _parser(name).parse_args([name, *words[1:]])
    return int(arguments.action(arguments))


def _unknown(name: str) -> HumansegError:
    """Explain a command that does not exist."""
    if name == "report":
        return HumansegError(
            "humanseg report is now make report, in a clone of the repository: "
            'make report ARGS="--html", make report DATA=photos.',
            code="cli.moved_command",
        )
    hint = nearest(name, COMMANDS) or "."
    if os.path.exists(name):
        hint = f"; to find the people in it: humanseg predict {quote(name)}."
    return HumansegError(
        f"humanseg {name}: there is no such command{hint} The commands are "
        f"{', '.join(COMMANDS)}; humanseg --help says what they do.",
        code="cli.unknown_command",
    )


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
    code = _exit_code(sys.argv[1:] if arguments is None else list(arguments))
    if error := flush_output():
        print(explain_os_error(error, Path("standard output")), file=sys.stderr)
        return HumansegError.exit_code
    return code


def _exit_code(words: Sequence[str]) -> int:
    """Run a command, and print a paragraph on what ended it."""
    try:
        with interruptible():
            return _run(words)
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
