"""The leaderboard in wandb: a dashboard as code, and runs that were logged offline."""

from humanseg.dashboard.project import Project
from humanseg.dashboard.saving import require_project, require_wandb, save_dashboards
from humanseg.dashboard.upload import Uploads, upload_runs
from humanseg.dashboard.workspace import COLUMNS, CURVES

__all__ = [
    "COLUMNS",
    "CURVES",
    "Project",
    "Uploads",
    "require_project",
    "require_wandb",
    "save_dashboards",
    "upload_runs",
]
