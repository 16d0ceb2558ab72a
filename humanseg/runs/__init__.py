"""A run on disk, read and written without torch."""

from humanseg.runs.folder import RunFolder, new_run_folder, open_run
from humanseg.runs.lock import run_lock
from humanseg.runs.summary import read_summary, update_summary

__all__ = [
    "RunFolder",
    "new_run_folder",
    "open_run",
    "read_summary",
    "run_lock",
    "update_summary",
]
