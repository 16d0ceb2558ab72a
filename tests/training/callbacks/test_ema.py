import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from humanseg.models.checkpoint import read_checkpoint
from humanseg.runs import RunFolder
from humanseg.training.callbacks.checkpoints import Checkpoints, WholeCheckpointIO
from humanseg.training.callbacks.ema import EMA
from humanseg.training.module import SegmentationModule


class Walk(pl.LightningModule):
    """A net whose weights move by one at each step; remembers with what it validated."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Linear(1, 1)
        self.norm = nn.BatchNorm1d(1)
        nn.init.zeros_(self.net.weight)
        nn.init.zeros_(self.net.bias)
        self.validated: list[float] = []
        self.trained: list[float] = []

    def training_step(self, batch: Tensor, _: int) -> Tensor:
        return -self.norm(self.net(batch)).sum() * 0 - self.net.weight.sum()

    def on_train_batch_end(self, *_: Any) -> None:
        self.trained.append(self.net.weight.item())

    def validation_step(self, batch: Tensor, _: int) -> None:
        self.validated.append(self.net.weight.item())
        self.log("val/selection", self.net.weight.sum())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.net.parameters(), lr=1.0)


def fit(folder: Path, epochs: int, decay: float, resume: bool = False) -> Walk:
    module, run = Walk(), RunFolder(folder)
    loader: Any = DataLoader(torch.ones(4, 1), batch_size=2)  # type: ignore[arg-type]
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        logger=False,
        callbacks=[EMA(decay), Checkpoints(run)],
        plugins=[WholeCheckpointIO()],
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, loader, loader, ckpt_path=run.last if resume else None, weights_only=True)
    return module


def averaged(weights: list[float], decay: float) -> list[float]:
    """The average after each step, worked out here."""
    average, averages = weights[0], [weights[0]]
    for done, weight in enumerate(weights[1:], start=1):
        share = min(decay, (1 + done) / (10 + done))
        average = share * average + (1 - share) * weight
        averages.append(average)
    return averages


@pytest.mark.parametrize("decay", [0.998, 0.3])
def test_the_average_validates_and_is_what_the_best_checkpoint_holds(
    tmp_path: Path, decay: float
) -> None:
    module = fit(tmp_path, 3, decay)
    assert module.trained == [1, 2, 3, 4, 5, 6]
    expected = averaged(module.trained, decay)
    assert module.validated[1::2] == pytest.approx(expected[1::2])
    best = read_checkpoint(RunFolder(tmp_path).best)
    assert best["state_dict"]["net.weight"].item() == pytest.approx(expected[-1])
    assert best["current_model_state"]["net.weight"].item() == 6


def test_the_average_follows_the_weights_closely_at_first(tmp_path: Path) -> None:
    """A decay of 0.998 from the first step on would stay near the first weights."""
    assert fit(tmp_path, 3, 0.998).validated[-1] > 4


def test_a_decay_of_1_keeps_what_the_run_began_with(
    tmp_path: Path, train_run: Callable[..., RunFolder]
) -> None:
    runs = [train_run(tmp_path / name, f"seed={seed}") for seed, name in enumerate("ab")]
    names = ",".join(str(run.path) for run in runs)
    options = ("callbacks=[ema]", "callbacks.ema.decay=1", "trainer.limit_train_batches=1")
    mean = read_checkpoint(train_run(tmp_path / "mean", f"init_from=[{names}]", *options).best)
    one, other = (read_checkpoint(run.best)["state_dict"] for run in runs)
    assert mean["state_dict"].keys() == one.keys()
    for name, value in mean["state_dict"].items():
        if value.is_floating_point():
            torch.testing.assert_close(value, (one[name] + other[name]) / 2, msg=name)


def test_a_resumed_training_goes_on_with_the_same_average(tmp_path: Path) -> None:
    whole = fit(tmp_path / "whole", 4, 0.9)
    fit(tmp_path / "parts", 2, 0.9)
    rest = fit(tmp_path / "parts", 4, 0.9, resume=True)
    assert rest.trained == whole.trained[4:]
    assert rest.validated == whole.validated[4:]
    one, other = (read_checkpoint(RunFolder(tmp_path / name).last) for name in ("whole", "parts"))
    for key in ("state_dict", "current_model_state", "averaging_state"):
        assert one[key].keys() == other[key].keys()
        assert all(torch.equal(one[key][name], other[key][name]) for name in one[key]), key


def content(path: Path) -> str:
    """The text of a file; of a page without the run that it is of, when and by which command."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        text = re.sub(r"<title>.*?</title>", "", text)
        text = re.sub(r'<p class="origin">.*?</p>', "", text, flags=re.DOTALL)
        text = re.sub(r'<details class="origin-command">.*?</details>', "", text, flags=re.DOTALL)
    return text


def test_a_resumed_run_ends_with_the_same_files_as_one_that_was_not_interrupted(
    tmp_path: Path,
    train_run: Callable[..., RunFolder],
    resume_run: Callable[..., RunFolder],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = ("callbacks=[ema]", "model.dropout=0.2", "trainer.max_epochs=3")
    whole = train_run(tmp_path / "whole", *options)

    class StopError(Exception):
        pass

    before = SegmentationModule.training_step

    def stop(module: SegmentationModule, batch: Any, index: int) -> Tensor:
        if module.current_epoch == 2:
            raise StopError
        return before(module, batch, index)

    with monkeypatch.context() as patch:
        patch.setattr(SegmentationModule, "training_step", stop)
        with pytest.raises(StopError):
            train_run(tmp_path / "parts", *options)
    parts = resume_run(tmp_path / "parts")
    for path in ("pred_valid.csv", "scores.csv", "test.html"):
        assert content(whole.path / path) == content(parts.path / path), path
    one, other = read_checkpoint(whole.last), read_checkpoint(parts.last)
    for key in ("state_dict", "current_model_state"):
        assert all(torch.equal(one[key][name], other[key][name]) for name in one[key]), key
    for key in ("optimizer_states", "lr_schedulers"):
        assert str(one[key]) == str(other[key]), key


def test_the_average_lies_where_the_training_is() -> None:
    """Lightning makes it before it moves the module: on a GPU it would stay behind, on the CPU."""
    trainer: Any = SimpleNamespace(strategy=SimpleNamespace(root_device=torch.device("meta")))
    average = EMA()
    average.setup(trainer, Walk(), "fit")
    assert average._average_model is not None
    assert all(each.is_meta for each in average._average_model.module.parameters())
    assert average._average_model.n_averaged.is_cpu
