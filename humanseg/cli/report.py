"""`humanseg report`: the research report, executed from run records."""

import argparse
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "records",
        metavar="RECORDS",
        type=Path,
        nargs="?",
        help="the folder of the records; default: those of the repository, notebooks/records",
    )
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="the notebook; default: beside the records, and with --data in runs",
    )
    parser.add_argument("--html", action="store_true", help="write it as a page too, beside it")
    parser.add_argument(
        "--data", metavar="ROOT", type=Path, help="the real data, to show photos of it"
    )


def run(arguments: argparse.Namespace) -> int:
    """Execute the report and write it.

    Returns
    -------
    int
        0.

    Raises
    ------
    Refused
        Photos of the data would get into the repository's own notebook.
    """
    from humanseg.errors import HumansegError, Refused
    from humanseg.report.execute import NOTEBOOK, execute, write_notebook
    from humanseg.report.page import write_report_page

    records: Path = arguments.records or NOTEBOOK.parent / "records"
    beside = records.parent / NOTEBOOK.name
    out: Path = arguments.out or (Path("runs") / NOTEBOOK.name if arguments.data else beside)
    if out.suffix != ".ipynb":
        raise HumansegError(f"--out {out}: name a file that ends with .ipynb.")
    if not records.is_dir():
        raise HumansegError(f"There is no folder {records}: give the folder of the records.")
    if arguments.data and not arguments.data.is_dir():
        raise HumansegError(f"There is no folder {arguments.data}: give the data folder.")
    if arguments.data and out.resolve().parent == NOTEBOOK.parent:
        raise Refused(
            f"{out} is published with the repository, and photos of the data are not ours to "
            "publish: leave out --data, or name another file with --out."
        )
    notebook = execute(records, arguments.data)
    write_notebook(out, notebook)
    print(f"notebook  {out}")
    if arguments.html:
        page = out.with_suffix(".html")
        write_report_page(page, notebook)
        print(f"page      {page}")
    return 0
