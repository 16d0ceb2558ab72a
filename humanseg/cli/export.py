"""`humanseg export`: write the best model as verified files for other programs."""

import argparse
from pathlib import Path

import humanseg
from humanseg.cli.options import add_data, given_path, in_range
from humanseg.errors import HumansegError


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    from humanseg.exporting.folder import DEFAULT, FORMATS

    parser.add_argument(
        "runs",
        metavar="RUN",
        type=given_path,
        nargs="?",
        default=Path("runs"),
        help="a run's folder, a checkpoint, or a folder whose best finished run is taken; an "
        "export or a bundled model's name: its files are copied; default: runs",
    )
    parser.add_argument(
        "--out", metavar="DIR", type=given_path, default=Path("export"), help="default: export"
    )
    parser.add_argument(
        "--formats",
        metavar="LIST",
        help=f"of {', '.join(FORMATS)}; default: {','.join(DEFAULT)}",
    )
    parser.add_argument(
        "--ensemble",
        metavar="RUN=WEIGHT",
        type=_member,
        action="append",
        default=[],
        help="average the logits with those of a further run, which has this weight, such as 0.2; "
        "for several runs give it several times",
    )
    add_data(parser, "the folder of the data, if it was moved")
    parser.add_argument(
        "--max-drop",
        metavar="DICE",
        type=in_range("max_drop"),
        default=0.003,
        help="mean Dice that files of fewer bits may lose on valid; default: 0.003",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="the fp32 ONNX file only, checked on a few photos and not timed: in seconds",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier export")
    parser.add_argument(
        "--wandb",
        metavar="ENTITY/PROJECT",
        help="log the export in this project of wandb too, with its card, as an artifact of its "
        "run; needs an account",
    )
    parser.add_argument(
        "--benchmark",
        action="store_true",
        help="measure the speed of all files with many calls, compared with torch",
    )


def _member(text: str) -> tuple[Path, float]:
    """Read a run and its weight."""
    path, _, weight = text.rpartition("=")
    try:
        number = float(weight)
    except ValueError as error:
        reason = f"{text} is not RUN=WEIGHT, such as runs/NAME=0.2"
        raise argparse.ArgumentTypeError(reason) from error
    return given_path(path), number


def run(arguments: argparse.Namespace) -> int:
    """Export; with --wandb, log the export there once it is whole."""
    source, project, run = arguments.runs, None, None
    ensemble = dict(arguments.ensemble)
    if len(ensemble) < len(arguments.ensemble):
        raise HumansegError(
            "--ensemble names a run twice: give each run once, with its whole weight.",
            code="export.ensemble",
        )
    if arguments.wandb is not None:
        from humanseg.compare.wandb.dashboard import require_wandb
        from humanseg.compare.wandb.project import Project
        from humanseg.exporting.copy_export import find_exported
        from humanseg.exporting.select_run import select_run

        project = Project.parse(arguments.wandb)
        require_wandb("export", ("wandb",))
        if find_exported(source):
            raise HumansegError(
                f"{source} is an export already, which has no run to be linked to: give --wandb "
                "with the run.",
                code="export.wandb_without_run",
            )
        selected = select_run(source, arguments.data)
        source, run = selected.checkpoint or selected.run.path, selected.run
        if not arguments.quick:
            ensemble = ensemble or dict(selected.ensemble)
    humanseg.export(
        source,
        arguments.out,
        arguments.formats,
        ensemble=ensemble,
        data=arguments.data,
        max_drop=arguments.max_drop,
        overwrite=arguments.overwrite,
        benchmark=arguments.benchmark,
        quick=arguments.quick,
    )
    if project is not None and run is not None:
        from humanseg.compare.wandb.artifact import upload_export

        print(f"wandb     {upload_export(arguments.out, run, project)}")
    return 0
