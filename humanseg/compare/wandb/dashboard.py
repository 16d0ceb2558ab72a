"""Sends dashboards to wandb, and explains what prevents it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from humanseg.compare.leaderboard import Leaderboard
from humanseg.compare.wandb.project import Project, quiet_wandb
from humanseg.compare.wandb.workspace import lay_out
from humanseg.errors import HumansegError
from humanseg.runs.wandb import has_wandb_key, wandb_host
from humanseg.system.network import unreachable

_LOOK = """
query HumansegDashboard($entity: String!, $project: String!, $view: String) {
  entity(name: $entity) { name }
  project(name: $project, entityName: $entity) {
    allViews(viewType: "project-view", viewName: $view) { edges { node { id } } }
  }
}
"""


def require_wandb(
    command: str = "compare", packages: Sequence[str] = ("wandb", "wandb_workspaces")
) -> None:
    """Find what would keep a command from sending to wandb, without asking the network.

    Parameters
    ----------
    command
        The command, as a person calls it.
    packages
        What it imports.

    Raises
    ------
    HumansegError
        wandb or wandb-workspaces is not installed, or wandb has no key.
    """
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise HumansegError(
            f"--wandb needs {' and '.join(missing).replace('_', '-')}, which cannot be imported "
            f'here: pip install "humanseg[train,dashboard]", or {command} without --wandb.'
        )
    try:
        with quiet_wandb():
            found = has_wandb_key()
    except Exception as error:
        raise HumansegError(
            f"The settings of wandb on this machine are not in order: {error}. Run `wandb login` "
            f"again, or {command} without --wandb."
        ) from error
    if not found:
        raise HumansegError(
            "--wandb needs an API key of wandb, and none was found: run `wandb login`, or set "
            "WANDB_API_KEY to the key from the settings of your account. Or "
            f"{command} without --wandb, which needs no account."
        )


def require_project(project: Project, *, exists: bool) -> None:
    """Check that a project exists in wandb.

    Parameters
    ----------
    project
        The project.
    exists
        Whether it must be there already; its entity must.

    Raises
    ------
    HumansegError
        wandb cannot be reached, refuses the key, or does not know the entity or the project.
    """
    with _connected() as api:
        _look(api, project, None, exists)


def save_dashboards(board: Leaderboard, project: Project) -> list[str]:
    """Send the leaderboard to wandb as saved workspaces; nothing else is sent.

    Parameters
    ----------
    board
        What was found.
    project
        Where they shall be. A workspace that was saved for the same folder and data before is
        replaced.

    Returns
    -------
    list of str
        Their addresses, in the order of the board's groups.

    Raises
    ------
    HumansegError
        None of the runs has been logged to wandb, or it does not take them.
    """
    workspaces = lay_out(board, project)
    if not workspaces:
        raise HumansegError(
            "None of these runs was logged to wandb, so that there is nothing for a dashboard to "
            "show: train with logger=wandb, which is among the loggers unless they are chosen."
        )
    addresses = []
    with _connected() as api:
        for workspace in workspaces:
            workspace._internal_id = _look(api, project, workspace._internal_name, exists=True)
            addresses.append(str(workspace.save().url))
    return addresses


@contextmanager
def _connected() -> Iterator[Any]:
    """Log in to wandb; explain errors in the block."""
    import wandb
    from wandb.sdk.lib.service.service_connection import WandbApiFailedError

    with quiet_wandb():
        host = wandb_host()
        _require_reachable(host)
        try:
            yield wandb.Api()
        except (wandb.errors.Error, WandbApiFailedError) as error:
            raise HumansegError(
                f"wandb at {host} did not do it: {' '.join(str(error).split())}. Check the key "
                "(`wandb login --relogin`), and that it may write to this project."
            ) from error
        finally:
            if wandb.run is None:
                wandb.teardown()


def _require_reachable(host: str) -> None:
    """Find out soon whether anything answers: wandb itself tries again for minutes."""
    if reason := unreachable(host):
        raise HumansegError(
            f"wandb cannot be reached at {host}: {reason}. Give the same command again with a "
            "network, or compare without --wandb."
        )


def _look(api: Any, project: Project, view: str | None, exists: bool) -> str:
    """Find a project, and in it the id of a saved view; empty where there is none."""
    variables = {"entity": project.entity, "project": project.name, "view": view}
    found: Mapping[str, Any] = api._service_api.execute_graphql(_LOOK, variables)
    if not found.get("entity"):
        raise HumansegError(
            f"wandb knows no person or team {project.entity}, or shows it to nobody with this key: "
            "give ENTITY/PROJECT as it stands in the address of the project."
        )
    if not found.get("project"):
        if exists:
            raise HumansegError(
                f"There is no project {project.path} in wandb yet: it comes with its first run, by "
                "--sync, or by a training with logger.wandb.mode=online."
            )
        return ""
    edges = found["project"]["allViews"]["edges"]
    return str(edges[0]["node"]["id"]) if view and edges else ""
