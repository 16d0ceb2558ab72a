"""`humanseg score`: score a submission by the task's formula."""

import argparse

from humanseg.cli.options import add_data, add_mask_rule, add_split, given_path, mask_rule


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "csv",
        metavar="CSV",
        type=given_path,
        help="such as runs/NAME/pred_valid.csv; - reads stdin",
    )
    add_data(parser, "default: that of the run where CSV is")
    add_split(parser)
    add_mask_rule(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the scores, and what is wrong with the file."""
    from humanseg.errors import printable
    from humanseg.submission import score_file

    # Without these options, masks are read as by the run that the submission is in.
    given = arguments.person_values or arguments.invert_masks
    rule = mask_rule(arguments) if given else None
    print(printable(score_file(arguments.csv, arguments.data, arguments.split, rule).text()))
    return 0
