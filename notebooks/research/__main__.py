"""`python -m research`, or `make report`: the research report, executed from run records."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from humanseg.errors import HumansegError, Refused, says_errors
from research import execute
from research.page import write_report_page


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make report", description="write the research report from run records"
    )
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
    return parser


@says_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Execute the report and write it; return the exit code.

    Raises
    ------
    Refused
        Photos of the data would get into the repository's own notebook.
    """
    chosen = _parser().parse_args(arguments)
    notebook = execute.NOTEBOOK
    records: Path = chosen.records or notebook.parent / "records"
    beside = records.parent / notebook.name
    out: Path = chosen.out or (Path("runs") / notebook.name if chosen.data else beside)
    if out.suffix != ".ipynb":
        raise HumansegError(f"--out {out}: name a file that ends with .ipynb.")
    if not records.is_dir():
        raise HumansegError(f"There is no folder {records}: give the folder of the records.")
    if chosen.data and not chosen.data.is_dir():
        raise HumansegError(f"There is no folder {chosen.data}: give the data folder.")
    if chosen.data and out.resolve().parent == notebook.parent:
        raise Refused(
            f"{out} is published with the repository, and photos of the data are not ours to "
            "publish: leave out --data, or name another file with --out."
        )
    executed = execute.execute(records, chosen.data)
    execute.write_notebook(out, executed)
    print(f"notebook  {out}")
    if chosen.html:
        page = out.with_suffix(".html")
        write_report_page(page, executed)
        print(f"page      {page}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
