"""A run on disk, read and written without torch."""

from humanseg.runs.folder import RunFolder, open_run, remove_partial
from humanseg.runs.lock import Locked, is_locked, run_lock
from humanseg.runs.new_folder import new_run_folder, require_free
from humanseg.runs.summary import (
    RunEnded,
    Status,
    read_summary,
    recorded_status,
    run_status,
    update_summary,
)

__all__ = [
    "Locked",
    "RunEnded",
    "RunFolder",
    "Status",
    "is_locked",
    "new_run_folder",
    "open_run",
    "read_summary",
    "recorded_status",
    "remove_partial",
    "require_free",
    "run_lock",
    "run_status",
    "update_summary",
]
