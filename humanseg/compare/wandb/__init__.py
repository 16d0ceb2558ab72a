"""In wandb: the leaderboard as a dashboard, runs that were logged offline, exported models."""

from humanseg.compare.wandb.artifact import upload_export
from humanseg.compare.wandb.dashboard import require_project, require_wandb, save_dashboards
from humanseg.compare.wandb.project import Project
from humanseg.compare.wandb.upload import Uploads, upload_runs

__all__ = [
    "Project",
    "Uploads",
    "require_project",
    "require_wandb",
    "save_dashboards",
    "upload_export",
    "upload_runs",
]
