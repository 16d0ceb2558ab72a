"""`humanseg check`: find everything that is wrong with a data set."""

import argparse
from shlex import join

from humanseg.cli.options import add_data, add_mask_rule, given_path, mask_rule


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "root",
        metavar="ROOT",
        type=given_path,
        nargs="?",
        help="the folder of train, train_mask and so on",
    )
    add_data(parser, "the same folder, as other commands take it")
    parser.add_argument(
        "--html", metavar="FILE", type=given_path, help="write a page with pictures too"
    )
    add_mask_rule(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print what was found; return 1 where it stops a training."""
    from rich.console import Console

    from humanseg.data.checks.data_check import check_data
    from humanseg.errors import HumansegError, printable
    from humanseg.system.progress import progress_on

    given = [root for root in (arguments.root, arguments.data) if root is not None]
    if len(given) != 1:
        raise HumansegError(
            "humanseg check needs the folder of the photos, once: humanseg check photos.",
            code="cli.one_root",
        )
    # On stderr, so that the report alone can be sent to a file.
    with progress_on(Console(stderr=True), "reading photos") as move:
        report = check_data(given[0], move, mask_rule(arguments))
    print(printable(report.text()))
    if arguments.html is not None:
        words = ["humanseg", "check", str(given[0]), "--html", str(arguments.html)]
        report.write_html(arguments.html, join(words))
        print(f"page: {arguments.html}")
    return 1 if report.stops_training else 0
