"""The options of Lightning's Trainer that a run accepts, and why it refuses others."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from humanseg.errors import HumansegError

TAKEN = frozenset(
    "accelerator strategy devices num_nodes precision max_epochs min_epochs max_steps min_steps "
    "max_time limit_train_batches limit_val_batches accumulate_grad_batches gradient_clip_val "
    "gradient_clip_algorithm deterministic benchmark inference_mode profiler detect_anomaly "
    "sync_batchnorm enable_progress_bar default_root_dir enable_autolog_hparams "
    "reload_dataloaders_every_n_epochs".split()
)
"""The options that a person may set; `humanseg.config.checking.check` lists those of the code."""

_FILES = "the files of a run are of all photos"
REFUSED: Mapping[str, tuple[tuple[Any, ...], str]] = {
    "fast_dev_run": (
        (False, 0),
        "it keeps no checkpoint, and the files of a run are made from one: trainer=debug does a "
        "few batches of everything",
    ),
    "overfit_batches": (
        (0, 0.0),
        "it would replace the order of the photos. To see whether a model can learn a batch, train "
        "on a folder of that many photos, with augmentation=none",
    ),
    "check_val_every_n_epoch": (
        (1,),
        "the valid Dice of each epoch chooses the best checkpoint",
    ),
    "val_check_interval": (
        (None, 1.0),
        "the valid Dice is that of the weights at the end of each epoch",
    ),
    "limit_test_batches": ((None, 1.0), f"it changes nothing: {_FILES}"),
    "limit_predict_batches": ((None, 1.0), f"it changes nothing: {_FILES}"),
    "enable_checkpointing": (
        (None, True),
        "the files of a run are made from its best checkpoint",
    ),
    "barebones": ((False,), "a run keeps checkpoints, logs and scores"),
    "model_registry": ((None,), "a run sends its weights nowhere"),
}
"""Refused options: the values that change nothing, and why others are refused."""

_SHARES = ("limit_train_batches", "limit_val_batches")
_WORD = re.compile(r"trainer\.(\w+)=")


def known_words(words: Sequence[str]) -> list[str]:
    """Return the words with Hydra's plus signs at options of Lightning that conf/trainer lacks."""
    known = TAKEN | REFUSED.keys()
    return [
        f"++{word}" if (found := _WORD.match(word)) and found[1] in known else word
        for word in words
    ]


def require_options(trainer: Mapping[str, Any]) -> None:
    """Raise one error that names every option that a run does not take."""
    mistakes = [
        f"trainer.{name}={trainer[name]}: {why}. Leave it out."
        for name, (harmless, why) in REFUSED.items()
        # 1 is not 1.0: a batch, and all of them.
        if name in trainer and repr(trainer[name]) not in map(repr, harmless)
    ]
    endless = (None, -1)
    mistakes += [
        f"trainer.{name}={value}: an epoch both trains and validates. Give a number of batches "
        "from 1, or a share above 0.0 and up to 1.0."
        for name in _SHARES
        if (value := trainer.get(name)) is not None
        and not (value >= 1 if isinstance(value, int) else 0 < value <= 1)
    ]
    least, most = trainer.get("min_epochs"), trainer.get("max_epochs")
    if least is not None and most not in endless and least > most:
        mistakes.append(f"trainer.min_epochs={least} is more than trainer.max_epochs={most}.")
    if most in endless and trainer.get("max_steps", -1) in endless:
        mistakes.append(
            "trainer.max_epochs and trainer.max_steps are both open, and the learning rate follows "
            "from how long a training is: give one of them. trainer.max_time may end it earlier."
        )
    if mistakes:
        raise HumansegError("\n".join(mistakes))


def require_batches(trainer: Mapping[str, Any], train: int, valid: int) -> None:
    """Raise where a share of the batches is none."""
    mistakes = [
        f"trainer.{name}={value} of {count} batches is none: give at least {1 / count:.2g}, or a "
        "number of batches."
        for name, count in zip(_SHARES, (train, valid), strict=True)
        if isinstance(value := trainer.get(name), float) and int(value * count) < 1
    ]
    if mistakes:
        raise HumansegError("\n".join(mistakes))
