"""The leaderboard in wandb: a dashboard as code, and runs that were logged offline."""

from humanseg.compare.wandb.dashboard import require_project, require_wandb, save_dashboards
from humanseg.compare.wandb.project import Project
from humanseg.compare.wandb.upload import Uploads, upload_runs
from humanseg.compare.wandb.workspace import COLUMNS, CURVES

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
