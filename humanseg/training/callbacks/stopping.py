"""Validates when a training ends within an epoch, and records why it ended early."""

import signal
import threading

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Timer
from pytorch_lightning.callbacks.early_stopping import EarlyStopping, EarlyStoppingReason

from humanseg.runs import RunFolder, update_summary
from humanseg.system.terminal import console
from humanseg.training.callbacks.resume_early_stopping import has_stopped


class Stopping(pl.Callback):
    """Validate at the end of a training within an epoch, and record why it ended early.

    Parameters
    ----------
    run
        Its summary gets the reason as `stopped`; null where all epochs were done.
    """

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self._on_sigterm = signal.getsignal(signal.SIGTERM)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Restore SIGTERM, so that it ends this process as before `fit`.

        Lightning's handler broadcasts it first, and waits for ever where another process is in the
        middle of a step.
        """
        if threading.current_thread() is threading.main_thread() and self._on_sigterm is not None:
            signal.signal(signal.SIGTERM, self._on_sigterm)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: object
    ) -> None:
        """Request a stop after the last step: only then does Lightning validate."""
        if 0 <= trainer.max_steps <= trainer.global_step:
            trainer.should_stop = True

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Print and record the reason."""
        if not trainer.is_global_zero:
            return
        reason = _reason(trainer)
        if reason:
            console.print(f"stopped {reason}")
        update_summary(self._run.summary, stopped=reason)


def _reason(trainer: pl.Trainer) -> str | None:
    """Return why a training ended early; None where it did not."""
    if trainer.max_epochs not in (None, -1) and trainer.current_epoch >= (trainer.max_epochs or 0):
        return None
    for callback in trainer.callbacks:  # type: ignore[attr-defined]  # Lightning sets it late
        if isinstance(callback, EarlyStopping) and has_stopped(callback):
            why = (
                f"{callback.monitor} has not been better than {float(callback.best_score):.4f} by "
                f"{abs(callback.min_delta):g} for {callback.wait_count} epochs"
            )
            if callback.stopping_reason != EarlyStoppingReason.PATIENCE_EXHAUSTED:
                # A threshold was reached, or the score is NaN or infinite.
                why = str(callback.stopping_reason_message).partition(" Signaling")[0].rstrip(".")
            return f"after epoch {callback.stopped_epoch + 1} by early stopping: {why}"
        if isinstance(callback, Timer) and (callback.time_remaining() or 1) <= 0:
            return "by trainer.max_time"
    return None
