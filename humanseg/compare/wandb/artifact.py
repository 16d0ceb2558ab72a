"""An exported model in wandb: an artifact with its card, made by the run that it comes from."""

import json
from pathlib import Path
from typing import Any

from humanseg.compare.wandb.project import Project, quiet_wandb
from humanseg.errors import HumansegError
from humanseg.io.names import natural_key
from humanseg.runs import RunFolder
from humanseg.runs.wandb import wandb_id
from humanseg.system.variables import environment_with

ALIAS = "best"
"""The alias of the newest export of a run."""
_KEPT = ("scores", "threshold", "long_side", "data", "files", "versions")
"""The keys of the manifest in the artifact's metadata."""


def upload_export(folder: Path, run: RunFolder, project: Project) -> str:
    """Log an export as an artifact of its run, in wandb.

    Parameters
    ----------
    folder
        What `humanseg export` wrote.
    run
        The run that it was exported of. One that was never logged to wandb gets a run there.
    project
        Where.

    Returns
    -------
    str
        The artifact's name there: ``ENTITY/PROJECT/model-ID:best``.

    Raises
    ------
    HumansegError
        wandb does not take it. The export stays as it is.
    """
    import wandb

    # What is staged for the upload is in the same folder, and goes with it.
    with quiet_wandb() as env, environment_with({"WANDB_DATA_DIR": env["WANDB_DIR"]}):
        try:
            with wandb.init(settings=_settings(wandb, run, project, env["WANDB_DIR"])) as it:
                artifact = _artifact(wandb, folder, str(it.id))
                it.log_artifact(artifact, aliases=[ALIAS]).wait()
                return f"{project.path}/{artifact.name.partition(':')[0]}:{ALIAS}"
        except Exception as error:
            raise HumansegError(
                f"wandb did not take the model: {' '.join(str(error).split())}. The export in "
                f"{folder} is whole; the same command with --overwrite tries again.",
                code="export.wandb",
            ) from error
        finally:
            if wandb.run is None:
                # Its service keeps the folders that it was started with.
                wandb.teardown()


def _settings(wandb: Any, run: RunFolder, project: Project, folder: str) -> Any:
    return wandb.Settings(
        mode="online",
        entity=project.entity,
        project=project.name,
        run_id=wandb_id(run),
        run_name=run.path.name,
        # The run continues there, and keeps all that it has.
        resume="allow",
        reinit="create_new",
        root_dir=folder,
        console="off",
        silent=True,
        symlink=False,
        x_disable_stats=True,
        x_disable_meta=True,
        x_save_requirements=False,
        disable_git=True,
        save_code=False,
    )


def _artifact(wandb: Any, folder: Path, identity: str) -> Any:
    """Return the files of an export as an artifact, its card as description."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    card = folder / "README.md"
    artifact = wandb.Artifact(
        f"model-{identity}",
        type="model",
        description=card.read_text(encoding="utf-8") if card.is_file() else None,
        metadata={key: manifest[key] for key in _KEPT if key in manifest},
    )
    for path in sorted(folder.iterdir(), key=lambda path: natural_key(path.name)):
        if path.is_file():
            artifact.add_file(str(path), name=path.name, policy="immutable", skip_cache=True)
    return artifact
