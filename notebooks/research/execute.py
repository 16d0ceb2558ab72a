"""Executing the report's notebook from records."""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from humanseg.errors import HumansegError
from humanseg.io.files import write_text
from research.records import PHOTOS, RECORDS

if TYPE_CHECKING:
    from nbformat import NotebookNode

NOTEBOOK = Path(__file__).resolve().parents[1] / "report.ipynb"
"""The report in the repository: its text, its code and their outputs from the records there."""

_LONGEST = 600  # seconds for one cell


def execute(records: Path, photos: Path | None = None) -> "NotebookNode":
    """Execute the report in a kernel of its own.

    Parameters
    ----------
    records
        The folder of the records.
    photos
        The real data, to show photos too; None shows none.

    Returns
    -------
    nbformat.NotebookNode
        The notebook with its outputs, the same from the same records.

    Raises
    ------
    HumansegError
        Jupyter's parts are not installed, or a cell fails.
    """
    try:
        import nbformat
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError
        from traitlets.config import Config
    except ImportError as error:
        raise HumansegError(
            f"The report is executed by Jupyter's parts, and {error.name} is not installed: "
            "make report installs it."
        ) from error
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    with tempfile.TemporaryDirectory() as sockets:
        client = NotebookClient(
            notebook,
            timeout=_LONGEST,
            kernel_name="python3",
            # The times of execution would change the notebook every time.
            record_timing=False,
            config=Config({"KernelManager": _private(Path(sockets))}),
            resources={"metadata": {"path": str(NOTEBOOK.parent)}},
        )
        try:
            client.execute(env=_environment(records, photos))
        except CellExecutionError as error:
            raise HumansegError(
                f"A cell of the report failed. {error.ename}: {error.evalue}"
            ) from error
    # The version of Python is no part of the report.
    notebook.metadata.get("language_info", {}).pop("version", None)
    return notebook


def write_notebook(path: Path, notebook: "NotebookNode") -> None:
    """Write a notebook, whole or not at all."""
    import nbformat

    write_text(path, nbformat.writes(notebook) + "\n")


def _private(folder: Path) -> dict[str, str]:
    """Return settings that let a kernel talk by sockets in a folder of this user.

    A port, which is all that there is on Windows, can be reached by everybody on the machine.
    """
    return {"transport": "ipc", "ip": str(folder / "kernel")} if os.name == "posix" else {}


def _environment(records: Path, photos: Path | None) -> dict[str, str]:
    """Return the environment of the kernel: the folders, and the kernel of this Python."""
    added = {RECORDS: str(records.resolve()), "JUPYTER_PREFER_ENV_PATH": "1"}
    # A warning of tqdm, which a dependency imports, in a kernel without widgets.
    added["PYTHONWARNINGS"] = "ignore:IProgress not found"
    # The same humanseg and research as here, wherever they lie.
    paths = [*map(str, NOTEBOOK.parents[:2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    inherited = {key: value for key, value in os.environ.items() if key != PHOTOS}
    if photos is not None:
        added[PHOTOS] = str(photos.resolve())
    return inherited | added | {"PYTHONPATH": os.pathsep.join(paths)}
