"""`humanseg compare`: rank runs, and test whether the best is significantly better."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import join
from typing import TYPE_CHECKING

from humanseg.cli.options import add_data, given_path
from humanseg.errors import HumansegError, printable

if TYPE_CHECKING:
    from rich.console import Console

    from humanseg.compare.leaderboard import Leaderboard
    from humanseg.compare.page_photos import PhotoFiles
    from humanseg.compare.ranking import Group
    from humanseg.compare.wandb.project import Project
    from humanseg.runs.record import RunRecord


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "runs",
        metavar="RUNS",
        type=given_path,
        nargs="*",
        default=[Path("runs")],
        help="folders of runs, or folders that hold some; default: runs",
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=given_path,
        help="where leaderboard.csv and leaderboard.html go; default: the folder of the runs",
    )
    add_data(parser, "the folder of the photos, if they were moved")
    parser.add_argument(
        "--wandb",
        metavar="ENTITY/PROJECT",
        help="build the leaderboard in this project of wandb too; needs an account",
    )
    parser.add_argument(
        "--sync",
        action="store_true",
        help="with --wandb: first upload what the runs have logged offline",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the leaderboard, and write it as CSV and as a page.

    Returns
    -------
    int
        0; 1 where folders of runs could not be read, or runs not uploaded, which are listed.

    Raises
    ------
    HumansegError
        There is no run, or wandb is requested and is not available.
    """
    from rich.console import Console

    from humanseg.compare.leaderboard import read_leaderboard
    from humanseg.compare.page import plotly_script, write_leaderboard
    from humanseg.config.find import conf_folder
    from humanseg.io.tables import write_table
    from humanseg.runs import run_lock
    from humanseg.runs.home import refresh_homes
    from humanseg.runs.settings import read_shipped
    from humanseg.system.progress import progress_on
    from humanseg.system.terminal import console

    plotly_script()  # before the work, if it is missing
    project = _wandb_project(arguments)
    errors = Console(stderr=True)
    _print_ladders(arguments.runs, console)
    with progress_on(errors, "reading runs") as move:
        board = read_leaderboard(arguments.runs, read_shipped(conf_folder()), move)
    _print_board(board, console)
    out = arguments.out or board.base
    with run_lock(out / ".leaderboard.lock"):
        write_table(out / "leaderboard.csv", board.table())
        with progress_on(errors, "writing the page") as move:
            page = write_leaderboard(
                out, board, lambda group: _photos(group, arguments.data), move, _command(arguments)
            )
    # The pages of the runs lead to a leaderboard that is above them.
    if out == board.base:
        refresh_homes([run.folder for run in _ranked(board)], [page])
    console.print(f"table  {out / 'leaderboard.csv'}")
    console.print(f"page   {page}")
    uploaded = project is None or _to_wandb(board, project, arguments.sync, console, errors)
    return 1 if board.broken or not uploaded else 0


def _wandb_project(arguments: argparse.Namespace) -> "Project | None":
    """Return the wandb project of the leaderboard; raise early if it cannot be used."""
    if arguments.wandb is None:
        if arguments.sync:
            raise HumansegError(
                "--sync uploads runs to wandb and must know where to: add --wandb ENTITY/PROJECT."
            )
        return None
    from humanseg.compare.wandb.dashboard import require_wandb
    from humanseg.compare.wandb.project import Project

    project = Project.parse(arguments.wandb)
    require_wandb()
    return project


def _to_wandb(
    board: "Leaderboard", project: "Project", sync: bool, console: "Console", errors: "Console"
) -> bool:
    """Upload the runs if requested, build the dashboards; return whether all runs were taken."""
    from humanseg.compare.wandb.dashboard import require_project, save_dashboards
    from humanseg.compare.wandb.upload import upload_runs
    from humanseg.system.progress import progress_on

    failed: Mapping[str, str] = {}
    if sync:
        require_project(project, exists=False)
        with progress_on(errors, "uploading runs") as move:
            uploads = upload_runs([*_ranked(board), *board.unranked], project, move)
        failed = uploads.failed
        words = [f"runs uploaded: {len(uploads.done)}"]
        words += [f"before: {len(uploads.earlier)}"] if uploads.earlier else []
        words += (
            [f"not yet, since they are running: {len(uploads.running)}"] if uploads.running else []
        )
        console.print(f"wandb  {', '.join(words)}")
        if uploads.bare:
            console.print(
                "wandb  moved since they were logged, so that their tables of predictions have no "
                f"pictures there: {', '.join(uploads.bare)}",
            )
        if failed:
            console.print("\nCould not be uploaded", style="bold")
            for name, reason in failed.items():
                console.print(printable(f"  {name}: {reason}"))
            console.print()
    for address in save_dashboards(board, project):
        console.print(f"wandb  {address}")
    return not failed


def _command(arguments: argparse.Namespace) -> str:
    """Return the command of the page."""
    words = ["humanseg", "compare", *map(str, arguments.runs)]
    for flag in ("out", "data"):
        if (value := getattr(arguments, flag)) is not None:
            words += [f"--{flag}", str(value)]
    return join(words)


def _ranked(board: "Leaderboard") -> "list[RunRecord]":
    return [run for group in board.groups for run in group.runs]


def _print_board(board: "Leaderboard", console: "Console") -> None:
    """Print the tables, what they show, and what is not in them."""
    from rich.console import Console

    from humanseg.compare.terminal_table import conclusion, describe, footnotes, terminal_table

    # Into a file or a pipe the rows go whole, however long they are.
    wide = Console(width=10_000)
    for group in board.groups:
        console.print(describe(group), style="bold")
        if console.is_terminal:
            console.print(terminal_table(group, console.width), soft_wrap=False)
        else:
            wide.print(terminal_table(group))
        for line in [*footnotes(group), conclusion(group)]:
            console.print(printable(line))
        console.print()
    if not board.groups:
        console.print("No run has finished yet, so there is nothing to rank.\n")
    for title, pairs in (
        ("Not ranked", [(run.name, _state(run.status, run.failure)) for run in board.unranked]),
        ("Could not be read", board.broken.items()),
        ("Skipped", board.foreign.items()),
    ):
        if pairs:
            console.print(title, style="bold")
            for name, reason in pairs:
                console.print(printable(f"  {name}: {reason}"))
            console.print()


def _print_ladders(folders: Sequence[Path], console: "Console") -> None:
    """Print the stages of the folders that are those of recipes, each in its order."""
    from humanseg.compare.ladder import is_recipe, print_ladder, read_ladder

    for folder in filter(is_recipe, folders):
        console.print(f"Stages of {folder}", style="bold")
        print_ladder(read_ladder(folder))
        console.print()


def _state(status: str, failure: str) -> str:
    return f"{status}: {failure}" if failure else status


def _photos(group: "Group", root: Path | None) -> "Mapping[str, PhotoFiles] | str":
    """Find the valid photos of a group in its data set, or in `root`."""
    from itertools import product

    from humanseg.compare.page_photos import PhotoFiles
    from humanseg.data.layout.folders import scan
    from humanseg.data.layout.mask_rule import AS_DRAWN, MaskRule

    nodes = [
        node
        for record in group.runs
        if isinstance(node := record.config.get("data"), Mapping) and "root" in node
    ]
    roots = dict.fromkeys(str(node["root"]) for node in nodes)
    # One for all: they were scored on the same masks.
    rule = MaskRule.of(nodes[0]) if nodes else AS_DRAWN
    splits = ["valid" if fold is None else "train" for fold in group.data("fold")] or ["valid"]
    folders = [root] if root is not None else [Path(path) for path in roots]
    for folder, split in product(folders, dict.fromkeys(splits)):
        try:
            items = scan(folder, split, masks=True, rule=rule).items
        except HumansegError:
            continue
        found = {
            item.id: PhotoFiles(item.photo, item.mask, rule.read) for item in items if item.mask
        }
        if set(group.ids) <= found.keys():
            return {id: found[id] for id in group.ids}
    if not folders:
        return "No config names their folder; give it by --data ROOT."
    tried = " or ".join(map(str, folders))
    return f"They are not in {tried} any more; give their folder by --data ROOT."
