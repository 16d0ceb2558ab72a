"""`humanseg evaluate`: the scores of a run's best checkpoint."""

import argparse
from pathlib import Path

from humanseg.cli.argument_types import share
from humanseg.cli.options import add_data, add_split


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("run", metavar="RUN", type=Path, help="the run's folder")
    add_data(parser, "other data than the run's own")
    add_split(parser)
    parser.add_argument("--tta", action="store_true", help="average over the mirrored photo")
    parser.add_argument("--threshold", metavar="T", type=share, help="other than the run's own")


def run(arguments: argparse.Namespace) -> int:
    """Print the scores."""
    from humanseg.training.preflight.paths import require_run

    require_run(arguments.run, arguments.data)
    # Only now, when all is there: it loads torch.
    from humanseg.evaluation.evaluate import evaluate_run

    report = evaluate_run(
        arguments.run, arguments.data, arguments.split, arguments.tta, arguments.threshold
    )
    print(report.text())
    return 0
