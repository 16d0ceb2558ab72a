import math
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from humanseg.errors import HumansegError
from humanseg.io.temporary_files import is_partial
from humanseg.models.checkpoint import read_checkpoint
from humanseg.runs import RunFolder, read_summary
from humanseg.system.interrupts import Interrupted
from humanseg.training.callbacks.checkpoints import Checkpoints, WholeCheckpointIO


class Scripted(pl.LightningModule):
    """Reaches the Dice that a script says, epoch by epoch; its weight counts the epochs."""

    running_var: Tensor

    def __init__(self, dices: list[float], rate: float = 1.0, statistic: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.register_buffer("running_var", torch.ones(1))
        self.dices, self.rate, self.statistic = dices, rate, statistic

    def training_step(self, batch: Tensor, _: int) -> Tensor:
        self.running_var.fill_(self.statistic)
        return -self.rate * self.weight.sum()

    def validation_step(self, batch: Tensor, _: int) -> None:
        if self.dices:
            self.log("val/selection", self.dices[self.current_epoch])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=1.0)


def fit(
    run: RunFolder,
    dices: list[float],
    epochs: int | None = None,
    resume: bool = False,
    rate: float = 1.0,
    statistic: float = 1.0,
) -> Any:
    checkpoints = Checkpoints(run)
    loader: Any = DataLoader(torch.ones(1, 1))  # type: ignore[arg-type]
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=epochs or len(dices) or 1,
        logger=False,
        callbacks=[checkpoints],
        plugins=[WholeCheckpointIO()],
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(
        Scripted(dices, rate, statistic),
        loader,
        loader,
        ckpt_path=run.last if resume else None,
        weights_only=True,
    )
    return checkpoints


def weight(path: Path) -> float:
    return float(read_checkpoint(path)["state_dict"]["weight"])


@pytest.mark.parametrize(
    ("dices", "best"),
    [([0.5, 0.7, 0.6], 1), ([0.5, 0.6, 0.7], 2), ([0.7, 0.7, 0.1], 0), ([0.0, 0.0], 0)],
)
def test_the_best_survives_worse_epochs(tmp_path: Path, dices: list[float], best: int) -> None:
    run = RunFolder(tmp_path)
    checkpoints = fit(run, dices)
    assert (checkpoints.best_epoch, checkpoints.best_dice) == (best, pytest.approx(dices[best]))
    assert weight(run.best) == best + 1 and weight(run.last) == len(dices)
    assert read_checkpoint(run.best)["epoch"] == best
    assert {path.name for path in run.best.parent.iterdir()} == {"best.ckpt", "last.ckpt"}


def test_a_resumed_training_knows_the_best_so_far(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    dices = [0.5, 0.7, 0.6, 0.8]
    fit(run, dices, epochs=2)
    fit(run, dices, epochs=3, resume=True)
    assert weight(run.best) == 2
    fit(run, dices, epochs=4, resume=True)
    assert weight(run.best) == 4


@pytest.mark.parametrize(
    ("rate", "statistic"), [(math.inf, 1.0), (math.nan, 1.0), (1.0, math.inf), (1.0, math.nan)]
)
def test_weights_that_an_epoch_has_spoiled_are_not_kept(
    tmp_path: Path, rate: float, statistic: float
) -> None:
    run = RunFolder(tmp_path)
    fit(run, [0.5])
    with pytest.raises(HumansegError, match="infinite or NaN in epoch 2.*lower optimizer.lr"):
        fit(run, [0.5, 0.6], epochs=2, resume=True, rate=rate, statistic=statistic)
    # A run that is resumed with gradients that are clipped, say, goes on from epoch 1.
    assert weight(run.last) == weight(run.best) == 1


def test_a_training_that_does_not_validate_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(HumansegError, match="Epoch 1 did not validate.*check_val_every_n_epoch"):
        fit(RunFolder(tmp_path), [])


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", ["serialising", "writing"])
def test_a_write_that_dies_half_way_leaves_the_former_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, step: str
) -> None:
    path = tmp_path / "last.ckpt"
    writer = WholeCheckpointIO()
    writer.save_checkpoint({"state_dict": {"x": torch.ones(3)}}, path)
    before = path.read_bytes()
    if step == "serialising":
        monkeypatch.setattr(torch, "save", dying(error))
    else:
        monkeypatch.setattr(Path, "open", opening(tmp_path, error))
    with pytest.raises(BaseException) as raised:  # noqa: B017 - told apart below
        writer.save_checkpoint({"state_dict": {"x": torch.zeros(3)}}, path)
    monkeypatch.undo()
    if isinstance(error, OSError) and step == "writing":
        assert isinstance(raised.value, HumansegError) and "disk is full" in str(raised.value)
    else:
        assert raised.value is error
    assert path.read_bytes() == before
    assert [child.name for child in tmp_path.iterdir()] == ["last.ckpt"]


def dying(error: BaseException) -> Any:
    """Write some bytes of a checkpoint, and die."""

    def die(checkpoint: Any, target: Any) -> None:
        if isinstance(target, Path):
            target.write_bytes(b"some")
        else:
            target.write(b"some")
        raise error

    return die


def opening(folder: Path, error: BaseException, after: int = 1) -> Any:
    """Open files of a folder that take some bytes, and die; the first ones are left alone."""
    real, calls = Path.open, []

    def opened(path: Path, mode: str = "r", *rest: Any, **named: Any) -> Any:
        file = real(path, mode, *rest, **named)
        if mode == "wb" and is_partial(path) and path.parent == folder:
            calls.append(path)
            if len(calls) >= after:
                file.write(b"some")
                file.flush()
                file.close()
                raise error
        return file

    return opened


def test_a_run_whose_checkpoint_cannot_be_written_says_so_and_can_be_resumed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    train_run: Callable[..., RunFolder],
    resume_run: Callable[..., RunFolder],
) -> None:
    full = OSError(28, "No space left on device")
    with monkeypatch.context() as patch:
        # The fourth write: last.ckpt of the second epoch, or of the third.
        patch.setattr(Path, "open", opening(tmp_path / "run/checkpoints", full, after=4))
        with pytest.raises(HumansegError, match="the disk is full"):
            train_run(tmp_path / "run", "trainer.max_epochs=4")
    run = RunFolder(tmp_path / "run")
    summary = read_summary(run.summary)
    assert summary["status"] == "failed" and "disk is full" in summary["failure"]
    read_checkpoint(run.best), read_checkpoint(run.last)
    resume_run(run.path)
    summary = read_summary(run.summary)
    assert (summary["status"], summary["failure"]) == ("finished", None)
    assert summary["epochs"] == 4


def test_a_run_that_is_whole_stays_so_when_only_its_log_is_stopped(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    train_run: Callable[..., RunFolder],
) -> None:
    def stop(run: RunFolder) -> None:
        raise Interrupted(signal.SIGINT)

    monkeypatch.setattr("humanseg.training.train.print_next_steps", stop)
    with pytest.raises(Interrupted):
        train_run(tmp_path / "run", "trainer.max_epochs=1")
    summary = read_summary(tmp_path / "run/summary.json")
    assert (summary["status"], summary["failure"]) == ("finished", None)
    assert "Go on with" not in capsys.readouterr().out
