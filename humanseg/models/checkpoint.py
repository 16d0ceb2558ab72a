"""A model from a config, and a trained one from a run's folder."""

import pickle
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from torch import Tensor

from humanseg.config.build import build
from humanseg.config.load import load_run_config
from humanseg.config.prediction import mirrored_predictions, prediction_sizes
from humanseg.errors import HumansegError, listed
from humanseg.models import Segmenter, build_segmenter
from humanseg.runs import RunFolder
from humanseg.runs.folder import explain_missing_checkpoint

PREFIX = "segmenter."


def make_segmenter(config: DictConfig) -> Segmenter:
    """Build the model that a config describes, its backbone's weights loaded.

    Raises
    ------
    HumansegError
        The pair of model and backbone is impossible, the weights cannot be had, or `eval_mirrored`
        does not fit the sizes.
    """
    mirrored = mirrored_predictions(config)
    sizes = prediction_sizes(config)
    return build_segmenter(build(config.model), build(config.backbone), sizes, mirrored)


def without_weights(config: DictConfig) -> DictConfig:
    """Copy a config so that its backbone opens no weights.

    A checkpoint holds the backbone too: the file it once started from need not be there.
    """
    copy = config.copy()
    if "weights" in copy.backbone:
        copy.backbone.weights = "none"
    return copy


def load_segmenter(run: RunFolder, checkpoint: Path | None = None) -> tuple[Segmenter, DictConfig]:
    """Rebuild the best model of a run, from its folder alone.

    Parameters
    ----------
    run
        The run, wherever it was moved.
    checkpoint
        Another of its checkpoints than the best one.

    Returns
    -------
    segmenter
        In fp32 and evaluation mode; averaged weights where the run averaged them.
    config
        The run's config.

    Raises
    ------
    HumansegError
        Config or checkpoint are missing, broken, foreign or refused.
    """
    config = load_run_config(run.config)
    missing = [key for key in ("model", "backbone", "data") if key not in config]
    if missing:
        raise HumansegError(
            f"{run.config} is not a run's config: it has no {', '.join(missing)}.",
            code="runs.not_a_run",
        )
    config = without_weights(config)
    segmenter = make_segmenter(config)
    load_weights(segmenter, checkpoint or run.best)
    return segmenter.float().eval(), config


def load_weights(segmenter: Segmenter, *checkpoints: Path) -> None:
    """Load the weights of a checkpoint into a model, or the mean of those of some.

    The mean of nets that were fine-tuned from one another can have what each of them is good at:
    "model soups", Wortsman et al. 2022 (arXiv 2203.05482).

    Parameters
    ----------
    segmenter
        Gets the weights.
    *checkpoints
        At least one; one that is given twice counts twice.

    Raises
    ------
    HumansegError
        A checkpoint cannot be read, or is of another model: the names that do not fit.
    """
    states = [_matching_state(segmenter, path) for path in checkpoints]
    # Counts of batches, the whole numbers among them, are taken from the first.
    segmenter.load_state_dict(
        {
            name: torch.stack([state[name].float() for state in states]).mean(0)
            if first.is_floating_point()
            else first
            for name, first in states[0].items()
        }
    )


def _matching_state(segmenter: Segmenter, checkpoint: Path) -> dict[str, Tensor]:
    """Read the weights of a checkpoint that has those of this model."""
    state: dict[str, Tensor] = {
        key.removeprefix(PREFIX): value
        for key, value in read_checkpoint(checkpoint)["state_dict"].items()
        if key.startswith(PREFIX)
    }
    wanted = segmenter.state_dict()
    wrong = sorted(set(state) ^ set(wanted))
    wrong += sorted(
        key for key in set(state) & set(wanted) if state[key].shape != wanted[key].shape
    )
    if wrong:
        raise HumansegError(
            f"{checkpoint} is a checkpoint of another model; these do not fit: "
            f"{listed(wrong, 5)}. Give a run with the same model and backbone.",
            code="models.other_model",
        )
    return state


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint, tensors and plain values only.

    Returns
    -------
    dict
        With at least `state_dict`.

    Raises
    ------
    HumansegError
        There is none, it is broken, it is no checkpoint of a training, or it holds pickled code,
        which is never executed.
    """
    if not path.is_file():
        raise HumansegError(explain_missing_checkpoint(path), code="runs.no_checkpoint")
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "GLOBAL" in str(error):
            raise HumansegError(
                f"{path} holds pickled code, which was not executed: a checkpoint of humanseg "
                "holds tensors and plain values only. Do not trust this file.",
                code="models.pickled_code",
            ) from error
        raise _broken(path) from error
    except MemoryError:
        raise
    except Exception as error:  # wrong bytes make torch's reader fail in any way
        raise _broken(path) from error
    if not isinstance(checkpoint, dict) or not _is_state(checkpoint.get("state_dict")):
        raise HumansegError(
            f"{path} is not a checkpoint of a training: it has no state_dict. Give one that "
            "humanseg wrote.",
            code="models.broken_checkpoint",
        )
    return checkpoint


def _is_state(state: Any) -> bool:
    return isinstance(state, dict) and all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in state.items()
    )


def _broken(path: Path) -> HumansegError:
    return HumansegError(
        f"{path} cannot be read as a checkpoint: it is broken or cut short. Use the run's other "
        "checkpoint (best.ckpt, last.ckpt), or train again.",
        code="models.broken_checkpoint",
    )
