"""`humanseg sample`: write the built-in synthetic data set."""

import argparse

from humanseg.cli.options import given_path, whole_number


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("dir", metavar="DIR", type=given_path, help="a new or empty folder")
    parser.add_argument(
        "--seed", type=whole_number, default=0, help="0 or more: other photos for each; default: 0"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the data set where it is not there already."""
    from humanseg.data.synthetic import holds_sample, write_sample

    if holds_sample(arguments.dir, seed=arguments.seed):
        print(f"The sample data is already in {arguments.dir}")
    else:
        write_sample(arguments.dir, seed=arguments.seed)
        print(f"The sample data is in {arguments.dir}")
    return 0
