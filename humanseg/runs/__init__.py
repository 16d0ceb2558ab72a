"""A run on disk, read and written without torch."""

from humanseg.runs.folder import RunFolder, new_run_folder, open_run, remove_partial, require_free
from humanseg.runs.lock import Locked, is_locked, run_lock
from humanseg.runs.summary import read_summary, update_summary

__all__ = [
    "Locked",
    "RunFolder",
    "is_locked",
    "new_run_folder",
    "open_run",
    "read_summary",
    "remove_partial",
    "require_free",
    "run_lock",
    "update_summary",
]
