"""wandb's names for a run and its values, and whether wandb has credentials."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from humanseg.metrics.scores import PER_PHOTO
from humanseg.runs.folder import RunFolder
from humanseg.runs.settings import NAMED_GROUPS, Shipped, read_settings

EPOCH = "epoch"
STEP = "trainer/global_step"
DICE, TRAIN_LOSS, VALID_LOSS = "val/dice", "train/loss", "val/loss"
PREDICTIONS = "predictions"
"""The table of sample predictions."""
SUMMARY = (
    *PER_PHOTO,
    "dice_at_half",
    "selection",
    "threshold",
    "best_epoch",
    "epochs",
    "parameters",
    "seconds",
    "images_per_second",
    "loader_wait",
    "peak_memory_mb",
)
"""The keys of `summary.json` that become wandb's summary, under the same names."""


def wandb_config(
    config: Mapping[str, Any], shipped: Shipped, choices: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the config of a run as wandb shows it.

    Parameters
    ----------
    config
        The run's, plain.
    shipped, choices
        The configs' options, and those of this run: see `read_settings`.

    Returns
    -------
    dict
        Each setting by its path, and each group by the name of its option (``loss``: "bce_dice"),
        which the settings below it do not hold.
    """
    values = read_settings(config, shipped, choices).values
    return flat(config) | {group: values[group] for group in NAMED_GROUPS if group in values}


def flat(config: Mapping[str, Any] | Sequence[Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested mappings and lists.

    Parameters
    ----------
    config
        Plain.
    prefix
        What comes before each key.

    Returns
    -------
    dict
        Keys such as ``optimizer/lr`` and ``augmentation/transforms/0/p``; wandb wants no dots
        in keys.
    """
    pairs = config.items() if isinstance(config, Mapping) else enumerate(config)
    result: dict[str, Any] = {}
    for key, value in pairs:
        nested = isinstance(value, Mapping | list | tuple) and len(value) > 0
        result |= flat(value, f"{prefix}{key}/") if nested else {f"{prefix}{key}": value}
    return result


def wandb_logs(run: RunFolder) -> list[Path]:
    """List the files that wandb wrote for a run, oldest first: one more per resume."""
    # Their folders are named by time, behind what says how wandb worked.
    files = (run.path / "wandb").glob("*run-*/run-*.wandb")
    return sorted(files, key=lambda file: (file.parent.name.partition("run-")[2], file))


def offline_logs(run: RunFolder) -> list[Path]:
    """List the files that wandb wrote offline, oldest first; what has been sent is among them."""
    return [log for log in wandb_logs(run) if log.parent.name.startswith("offline-run-")]


def wandb_id(run: RunFolder) -> str | None:
    """Return a run's id in wandb; None where it was not logged there."""
    files = wandb_logs(run)
    return files[-1].stem.removeprefix("run-") if files else None


def wandb_host() -> str:
    """Return the address of the wandb server that this machine's settings name."""
    from wandb.sdk import wandb_setup

    # Private: `wandb.setup` would start a process of wandb's.
    return str(wandb_setup.singleton().settings.base_url)


def has_wandb_key() -> bool:
    """Return whether wandb finds credentials without asking a person; no server is asked.

    Raises
    ------
    Exception
        What wandb raises where they, or its settings, are not in order.
    """
    import wandb
    from wandb.sdk.lib import wbauth

    try:
        # Private: `wandb.login` would write settings below the home folder.
        found = wbauth.authenticate_session(
            host=wandb_host(), source="humanseg", prompt=False, update_session=False
        )
    finally:
        if wandb.run is None:
            wandb.teardown()
    return found is not None
