from pathlib import Path

from humanseg.runs import RunFolder
from humanseg.runs.settings import Shipped
from humanseg.runs.wandb_names import flat, wandb_config, wandb_id, wandb_logs


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
