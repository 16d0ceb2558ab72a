import inspect
import pkgutil
from pathlib import Path

import pytest

from humanseg.runs import RunFolder
from humanseg.runs.settings import Shipped
from humanseg.runs.wandb import flat, wandb_config, wandb_id, wandb_logs


def test_configs_are_flattened_to_the_last_value() -> None:
    nested = {"a": {"b": [{"p": 1}, 2], "empty": []}, "c": None}
    assert flat(nested) == {"a/b/0/p": 1, "a/b/1": 2, "a/empty": [], "c": None}


def test_groups_have_the_names_of_their_options(shipped: Shipped) -> None:
    loss = {"_target_": "humanseg.losses.DiceLoss", "smooth": 2.0}
    shown = wandb_config({"loss": loss, "seed": 3}, shipped)
    assert shown == {
        "loss": "dice",
        "loss/_target_": "humanseg.losses.DiceLoss",
        "loss/smooth": 2.0,
        "seed": 3,
    }


def test_the_newest_log_names_the_run(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert wandb_id(run) is None
    for name in ("run-20260102_000000-b/run-b", "offline-run-20260101_000000-a/run-a"):
        file = tmp_path / "wandb" / f"{name}.wandb"
        file.parent.mkdir(parents=True)
        file.touch()
    assert [file.stem for file in wandb_logs(run)] == ["run-a", "run-b"]
    assert wandb_id(run) == "b"


PRIVATE = (
    "wandb.sdk.wandb_setup:singleton",
    "wandb.sdk.lib.wbauth:authenticate_session",
    "wandb.sdk.lib.service.service_connection:WandbApiFailedError",
    "wandb.apis.public.service_api:ServiceApi.execute_graphql",
)


@pytest.mark.parametrize("name", PRIVATE)
def test_the_private_names_of_wandb_that_are_used_are_there(name: str) -> None:
    """Where a release of wandb fails here, its minor version is above the bound in pyproject."""
    wandb = pytest.importorskip("wandb")
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError) as error:
        pytest.fail(f"wandb {wandb.__version__} has no {name}: {error}")


def test_credentials_are_looked_for_as_this_release_of_wandb_does() -> None:
    """Release 0.30 had no `update_session`: with it, nothing here would find a key."""
    wbauth = pytest.importorskip("wandb.sdk.lib.wbauth")
    asked = {"host", "source", "prompt", "update_session"}
    assert asked <= set(inspect.signature(wbauth.authenticate_session).parameters)


@pytest.mark.parametrize("name", ["_internal_id", "_internal_name"])
def test_the_private_names_of_wandb_workspaces_that_are_used_are_there(name: str) -> None:
    workspaces = pytest.importorskip("wandb_workspaces.workspaces")
    assert name in workspaces.Workspace.__dataclass_fields__
