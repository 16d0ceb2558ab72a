"""`best.ckpt` and `last.ckpt`, always whole.

Ours, since Lightning's ModelCheckpoint forgets the best score of a run whose folder was moved, and
would then overwrite its best checkpoint with a worse one.
"""

from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.io.torch_io import TorchCheckpointIO
from pytorch_lightning.callbacks import Checkpoint

from humanseg.errors import HumansegError
from humanseg.io.files import whole_file
from humanseg.runs import RunFolder

SOURCES = "val/sources"
"""The mean Dice over sources of `data.extra_valid`."""
SELECTION = "val/selection"
"""The same with the valid photos as one source more; without such sources, the valid Dice.

It chooses the checkpoint. Early stopping, `scheduler=plateau` and a search watch it too.
"""

_STATISTICS = ("running_mean", "running_var")


class WholeCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint beside its place and renames it there."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None
    ) -> None:
        """Write a checkpoint, whole or not at all."""
        # Through memory: torch says of a full disk only that a position was unexpected.
        buffer = BytesIO()
        torch.save(checkpoint, buffer)
        with whole_file(Path(path)) as partial, partial.open("wb") as file:
            file.write(buffer.getbuffer())


def selected_score(trainer: pl.Trainer) -> float:
    """Return the score of this epoch that chooses the best one; NaN where it did not validate."""
    return float(trainer.callback_metrics.get(SELECTION, "nan"))


def _require_finite(trainer: pl.Trainer, module: pl.LightningModule) -> None:
    """Raise where an epoch has spoiled the weights: nothing could go on from them.

    The loss of the next step would show spoiled weights, but the last checkpoint would be
    overwritten by then. No training loss shows spoiled running statistics of batch norm, which a
    step in 16 bits makes infinite for good (https://github.com/pytorch/pytorch/issues/88474).
    """
    # Not all buffers: a mask of attention may hold infinities.
    buffers = module.named_buffers()
    statistics = (buffer for name, buffer in buffers if name.endswith(_STATISTICS))
    tensors = chain(module.parameters(), statistics)
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors):
        raise HumansegError(
            f"The weights became infinite or NaN in epoch {trainer.current_epoch + 1}, and are not "
            "kept: lower optimizer.lr, clip gradients (trainer.gradient_clip_val=1), or train in "
            "fp32 (trainer.precision=32-true).",
            code="training.weights_not_finite",
        )


class Checkpoints(Checkpoint):
    """Keep the checkpoint with the highest valid Dice, and the last one.

    With photos of further sources, the one with the highest mean over sources.

    Both are written at the end of an epoch, the best first: a run that is killed between them
    continues from the epoch before, and writes the same best again.

    Parameters
    ----------
    run
        Where they go.
    """

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self.best_dice = float("-inf")
        self.best_epoch = -1

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write what the epoch reached."""
        if SELECTION not in trainer.callback_metrics:
            raise HumansegError(
                f"Epoch {trainer.current_epoch + 1} did not validate, and the valid Dice chooses "
                "the checkpoint: leave trainer.check_val_every_n_epoch at 1 and "
                "trainer.limit_val_batches above 0.",
                code="training.not_validated",
            )
        _require_finite(trainer, pl_module)
        dice = selected_score(trainer)
        if dice > self.best_dice:
            self.best_dice, self.best_epoch = dice, trainer.current_epoch
            trainer.save_checkpoint(self._run.best)
        trainer.save_checkpoint(self._run.last)

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed training must know."""
        return {"best_dice": self.best_dice, "best_epoch": self.best_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load what an interrupted training saved."""
        self.best_dice = state_dict["best_dice"]
        self.best_epoch = state_dict["best_epoch"]
