"""The callback that prunes a trial."""

import optuna
import pytorch_lightning as pl

from humanseg.runs import RunEnded, RunFolder, Status
from humanseg.runs.record import read_history
from humanseg.sweeps.search.study import STUDY, open_study, running_trial
from humanseg.training.callbacks.checkpoints import selected_score


class Pruned(RunEnded):
    """A trial was ended early, for others are better."""

    status: Status = "pruned"


class Pruning(pl.Callback):
    """Report the score of each epoch to the study, and end a hopeless trial.

    The score is the one that chooses the checkpoint.

    Whether one is hopeless is for the study's pruner to say. A trial that was interrupted reports
    again what it had reached before, since its study knows it by a new number.

    Parameters
    ----------
    run
        A job of the search; the study is beside it.
    number
        Of the trial.
    """

    def __init__(self, run: RunFolder, number: int) -> None:
        self._run = run
        self._number = number
        self._trial: optuna.Trial | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Find the trial, and tell it of the epochs that are done."""
        if not trainer.is_global_zero or not (self._run.path.parent / STUDY).exists():
            return
        self._trial = running_trial(open_study(self._run.path.parent), self._number)
        if self._trial is None or not self._run.history.exists():
            return
        history = read_history(self._run.history)
        done = history[history["epoch"] <= trainer.current_epoch]
        # The epochs of an older version have the valid Dice alone.
        scores = done.get("val_selection", done["val_dice"]).fillna(done["val_dice"])
        for epoch, score in zip(done["epoch"], scores, strict=True):
            self._trial.report(float(score), int(epoch))

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report the epoch.

        Raises
        ------
        Pruned
            The trial is hopeless; in every process of it.
        """
        epoch = trainer.current_epoch + 1
        dice = selected_score(trainer)
        hopeless = False
        if self._trial is not None:
            self._trial.report(dice, epoch)
            # The last epoch is paid for: its files are still worth writing.
            is_last = trainer.should_stop or epoch == trainer.max_epochs
            hopeless = not is_last and self._trial.should_prune()
        if trainer.strategy.broadcast(hopeless):
            raise Pruned(
                f"Pruned after epoch {epoch}: with a Dice of {dice:.4f} it was behind the median "
                "of the other trials."
            )
