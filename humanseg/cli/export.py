"""`humanseg export`: the best model as files that other programs run, checked."""

import argparse
from pathlib import Path

import humanseg
from humanseg.cli.argument_types import strength


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "runs",
        metavar="RUN",
        type=Path,
        nargs="?",
        default=Path("runs"),
        help="a run's folder, a checkpoint, or a folder whose best finished run is taken; an "
        "export or a bundled model's name: its files are copied; default: runs",
    )
    parser.add_argument(
        "--out", metavar="DIR", type=Path, default=Path("export"), help="default: export"
    )
    parser.add_argument(
        "--formats",
        metavar="LIST",
        help="of onnx, int8, fp16, pt2; default: onnx,int8,pt2",
    )
    parser.add_argument("--data", metavar="ROOT", type=Path, help="where the data lies now")
    parser.add_argument(
        "--max-drop",
        metavar="DICE",
        type=strength,
        default=0.003,
        help="mean Dice that int8 and fp16 may lose on valid; default: 0.003",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="the fp32 ONNX file only, checked on a few photos and not timed: in seconds",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier export")
    parser.add_argument(
        "--benchmark", action="store_true", help="measure all files at length, next to torch"
    )


def run(arguments: argparse.Namespace) -> int:
    """Export."""
    humanseg.export(
        arguments.runs,
        arguments.out,
        None if arguments.formats is None else arguments.formats.split(","),
        data=arguments.data,
        max_drop=arguments.max_drop,
        overwrite=arguments.overwrite,
        benchmark=arguments.benchmark,
        quick=arguments.quick,
    )
    return 0
