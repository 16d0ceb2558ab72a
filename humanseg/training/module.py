"""The LightningModule: a Segmenter with its loss, scores, optimizer and scheduler."""

from typing import Any

import numpy as np
import pandas as pd
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torchmetrics import MeanMetric

from humanseg.data.dataset import Batch
from humanseg.data.layout.extra import SEPARATOR, source_of
from humanseg.errors import HumansegError
from humanseg.losses import SoftTargetLoss
from humanseg.metrics.per_photo import PerPhotoScores
from humanseg.models import Segmenter
from humanseg.training.callbacks.checkpoints import SELECTION, SOURCES
from humanseg.training.optimizers import OptimizerRecipe
from humanseg.training.schedulers import Plateau, SchedulerRecipe

CHECK_EVERY = 50
"""Steps between two checks of the loss on a GPU: to read it is to wait for the GPU."""


class SegmentationModule(pl.LightningModule):
    """A Segmenter as Lightning trains it, validates it and predicts with it.

    Parameters
    ----------
    segmenter
        Photo in, logits of the same size out.
    loss, optimizer, scheduler
        What it trains with; None for a module that only predicts.
    auxiliary_weight
        Weight of each auxiliary head's loss, where the net has such heads.
    channels_last
        Whether photos go through the net channel by channel of one pixel.
    seed
        With the epoch and the batch, what dropout follows from.
    teacher_weight
        Share of the loss toward soft labels, where a batch brings some; the masks have the rest.
    scores_extra
        Whether photos of further sources are among those that it is validated on.

    Notes
    -----
    Nothing is kept as Lightning's hyper-parameters: a checkpoint holds tensors and plain values,
    and the run's `config.yaml` rebuilds the rest.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        loss: nn.Module | None = None,
        optimizer: OptimizerRecipe | None = None,
        scheduler: SchedulerRecipe | Plateau | None = None,
        auxiliary_weight: float = 0.4,
        channels_last: bool = True,
        seed: int = 0,
        teacher_weight: float = 0.0,
        scores_extra: bool = False,
    ) -> None:
        super().__init__()
        self._layout = torch.channels_last if channels_last else torch.contiguous_format
        self.segmenter: Segmenter = segmenter.to(memory_format=self._layout)
        self.loss = loss
        # Not Lightning's mean: of processes with unequal shares it divides by a rounded number.
        self.valid_loss = MeanMetric(nan_strategy="disable")
        self.valid_scores = PerPhotoScores()
        self.extra_scores = PerPhotoScores()
        self._optimizer = optimizer
        self._scheduler = scheduler
        self._auxiliary_weight = auxiliary_weight
        self._seed = seed
        self._unchecked: Tensor | None = None
        self._teacher_weight = teacher_weight
        self._scores_extra = scores_extra
        self._soft_loss = SoftTargetLoss()

    def forward(self, image: Tensor) -> Tensor:
        """Return logits (N,1,H,W) of photos uint8 (N,3,H,W)."""
        logits: Tensor = self.segmenter(image)
        return logits

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Set the memory format that the net wants."""
        batch["image"] = batch["image"].contiguous(memory_format=self._layout)
        return batch

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Make dropout follow from seed, epoch and batch.

        For each batch again: a loader draws from the same generator, how much depends on its
        workers and on whether the run was resumed.
        """
        torch.manual_seed(dropout_seed(self._seed, self.current_epoch, batch_idx, self.global_rank))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the loss of a batch, a scalar; raise where it is not finite any more."""
        outputs = self.segmenter(batch["image"])
        main, auxiliary = (outputs[0], outputs[1:]) if isinstance(outputs, list) else (outputs, [])
        loss = self._loss(main, batch)
        for logits in auxiliary:
            loss = loss + self._auxiliary_weight * self._loss(logits, batch)
        # A sum is finite only where all of its terms are.
        term = loss.detach()
        self._unchecked = term if self._unchecked is None else self._unchecked + term
        if term.is_cpu or (batch_idx + 1) % CHECK_EVERY == 0:
            self._require_finite()
        count = len(batch["id"])
        self.log("train/loss", loss, on_epoch=True, on_step=False, batch_size=count, sync_dist=True)
        return loss

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """Compute the gradients, so that the last step of an epoch is a mean of its batches too.

        Lightning divides each loss by trainer.accumulate_grad_batches, and takes the last step with
        the batches that are left.
        """
        full, batches = self.trainer.accumulate_grad_batches, int(self.trainer.num_training_batches)
        remaining = batches % full
        if self.trainer.fit_loop.batch_idx >= batches - remaining:
            loss = loss * (full / remaining)
        super().backward(loss, *args, **kwargs)

    def _require_finite(self) -> None:
        """Raise where a loss was not finite since the last call."""
        total, self._unchecked = self._unchecked, None
        if total is not None and not torch.isfinite(total):
            raise HumansegError(
                f"The training loss became {total.item()} in epoch {self.current_epoch + 1}: lower "
                "optimizer.lr, clip gradients (trainer.gradient_clip_val=1), or train in fp32 "
                "(trainer.precision=32-true).",
                code="training.loss_not_finite",
            )

    def _loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the loss toward masks and, where there is a teacher, toward its soft labels."""
        assert self.loss is not None
        # In float, as torch's own losses want it.
        loss: Tensor = self.loss(logits, batch["mask"].float())
        if "soft" in batch:
            distillation = self._soft_loss(logits, batch["soft"].float() / 255)
            loss = (1 - self._teacher_weight) * loss + self._teacher_weight * distillation
        return loss

    def on_validation_epoch_start(self) -> None:
        """Reset the scores; raise if the training loss is no longer finite."""
        self._require_finite()
        self.valid_loss.reset()
        self.valid_scores.reset()
        self.extra_scores.reset()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Score a batch, per photo and at its own size."""
        logits, masks, ids = self(batch["image"]).float(), batch["mask"], batch["id"]
        for scores, is_extra in ((self.valid_scores, False), (self.extra_scores, True)):
            chosen = [index for index, id in enumerate(ids) if (SEPARATOR in id) == is_extra]
            if not chosen:
                continue
            if self.loss is not None and not is_extra:
                loss = self.loss(logits[chosen], masks[chosen].float())
                # Once for each photo: torchmetrics ignores weights where it keeps NaN.
                self.valid_loss.update(loss.detach().expand(len(chosen)))
            scores.update(logits[chosen].sigmoid(), masks[chosen], [ids[index] for index in chosen])

    def on_validation_epoch_end(self) -> None:
        """Log the mean scores, and the one that chooses the checkpoint; see `SELECTION`."""
        scores = self.valid_scores.compute()
        if self.loss is not None:
            scores["loss"] = float(self.valid_loss.compute())
        self.log_dict({f"val/{name}": value for name, value in scores.items()})
        # trainer.limit_val_batches may end before the first of them; all processes decide alike.
        sees_extra = self._scores_extra and self.trainer.strategy.reduce_boolean_decision(
            bool(self.extra_scores.photos), all=False
        )
        sources = _dice_by_source(self.extra_scores.per_photo()) if sees_extra else {}
        if sources:
            self.log(SOURCES, float(np.mean(list(sources.values()))))
        selection = float(np.mean([scores["dice"], *sources.values()]))
        # A logger has it under the name of the Dice already where it is no other number.
        self.log(SELECTION, selection, logger=bool(sources))

    def configure_optimizers(self) -> Any:
        """Build optimizer and scheduler, as Lightning takes them."""
        assert self._optimizer is not None and self._scheduler is not None
        optimizer = self._optimizer(self._trained())
        # Lightning knows the batches of an epoch only then, where steps end the training.
        self.trainer.fit_loop.setup_data()
        total = int(self.trainer.estimated_stepping_batches)
        per_epoch = max(1, int(self.trainer.num_training_batches))
        return {
            "optimizer": optimizer,
            "lr_scheduler": self._scheduler(optimizer, total, per_epoch),
        }

    def _trained(self) -> nn.Module:
        """Return what has parameters to train: the segmenter, and a loss that learns too."""
        if self.loss is None or not any(
            parameter.requires_grad for parameter in self.loss.parameters()
        ):
            return self.segmenter
        return nn.ModuleDict({"segmenter": self.segmenter, "loss": self.loss})


def _dice_by_source(scores: pd.DataFrame) -> dict[str, float]:
    """Return the mean Dice of each source in which somebody is."""
    by_source = scores.groupby(source_of, sort=False)
    has_people = by_source["foreground"].max() > 0
    return dict(by_source["dice"].mean()[has_people])


def dropout_seed(*numbers: int) -> int:
    """Mix integers of 0 or more into a seed of 63 bits."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
