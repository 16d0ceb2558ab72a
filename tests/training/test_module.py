import multiprocessing as mp
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader

from humanseg.errors import HumansegError
from humanseg.losses import BCELoss, SoftTargetLoss
from humanseg.models.checkpoint import read_checkpoint
from humanseg.models.segmenter import Segmenter
from humanseg.runs import RunFolder, read_summary
from humanseg.training.callbacks.checkpoints import SELECTION, SOURCES
from humanseg.training.module import CHECK_EVERY, SegmentationModule
from humanseg.training.optimizers import AdamW
from humanseg.training.schedulers import Constant


class Net(nn.Module):
    """Says 0 everywhere plus a weight; in training mode with auxiliary heads that say 1 and 2."""

    def __init__(self, heads: int = 0, sideways: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.heads = heads
        self.sideways = sideways

    def forward(self, image: Tensor) -> Tensor | list[Tensor]:
        main = image.mean(1, keepdim=True) * 0 + self.weight
        if self.sideways:  # sure of the left half, of whatever it is shown
            main[..., : image.shape[-1] // 2] += 4
        if self.training and self.heads:
            return [main, *(main + number for number in range(1, self.heads + 1))]
        return main


def made(net: Net, **options: Any) -> SegmentationModule:
    segmenter = Segmenter(net, (0.5,) * 3, (0.5,) * 3, stride=1)
    module = SegmentationModule(segmenter, loss=BCELoss(), **options)
    module.log = lambda *_, **__: None  # type: ignore[method-assign]  # no trainer is attached
    return module


def batch_of(ids: list[str]) -> Any:
    generator = torch.Generator().manual_seed(0)
    shape = (len(ids), 3, 8, 6)
    mask = (len(ids), 1, 8, 6)
    return {
        "image": torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator),
        "id": ids,
        "mask": torch.randint(0, 2, mask, dtype=torch.uint8, generator=generator),
    }


@pytest.mark.parametrize(("heads", "weight"), [(0, 0.4), (2, 0.4), (2, 0.0)])
def test_auxiliary_heads_count_by_their_weight(heads: int, weight: float) -> None:
    batch = batch_of(["a", "b"])
    module = made(Net(heads), auxiliary_weight=weight).train()
    zeros = torch.zeros(2, 1, 8, 6)
    expected = BCELoss()(zeros, batch["mask"])
    for number in range(1, heads + 1):
        expected = expected + weight * BCELoss()(zeros + number, batch["mask"])
    assert module.training_step(batch, 0).item() == pytest.approx(expected.item())


def test_a_loss_of_torch_itself_takes_the_masks() -> None:
    module, batch = made(Net()).train(), batch_of(["a", "b"])
    module.loss = nn.BCEWithLogitsLoss()
    assert module.training_step(batch, 0).item() == pytest.approx(0.6931, abs=1e-4)
    module.eval().validation_step(batch, 0)


@pytest.mark.parametrize("heads", [0, 1])
def test_a_teacher_has_its_share_of_the_loss(heads: int) -> None:
    batch = batch_of(["a", "b"])
    batch["soft"] = torch.full((2, 1, 8, 6), 204, dtype=torch.uint8)
    module = made(Net(heads), auxiliary_weight=0.5, teacher_weight=0.3).train()
    expected = torch.zeros(())
    for number, weight in ((0, 1.0), (1, 0.5))[: heads + 1]:
        logits = torch.full((2, 1, 8, 6), float(number))
        taught = SoftTargetLoss()(logits, torch.full_like(logits, 0.8))
        expected = expected + weight * (0.7 * BCELoss()(logits, batch["mask"]) + 0.3 * taught)
    assert module.training_step(batch, 0).item() == pytest.approx(expected.item())


def test_the_last_step_of_an_epoch_is_a_mean_of_its_batches_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of three batches, two make a step, and one remains."""
    module = made(Net())
    gradients: list[float] = []
    weight: Any = module.segmenter.net.weight
    module.configure_optimizers = lambda: torch.optim.SGD([weight], lr=0.0)  # type: ignore[method-assign]
    monkeypatch.setattr(
        module, "on_before_optimizer_step", lambda _: gradients.append(weight.grad.item())
    )
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=1,
        accumulate_grad_batches=2,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    photos: Any = [batch_of(["a", "b"])] * 3
    trainer.fit(module, DataLoader(photos, batch_size=None))
    assert len(gradients) == trainer.estimated_stepping_batches == 2
    assert gradients[0] != 0 and gradients[1] == pytest.approx(gradients[0])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_says_what_to_do(value: float) -> None:
    module = made(Net()).train()
    with torch.no_grad():
        module.segmenter.net.weight.fill_(value)  # type: ignore[operator]
    with pytest.raises(HumansegError, match=r"epoch 1: lower optimizer\.lr"):
        module.training_step(batch_of(["a"]), 0)


def test_on_a_gpu_the_loss_is_looked_at_now_and_then() -> None:
    """A tensor without values stands for one that is still being computed: reading it fails."""
    module = made(Net()).train().to("meta")
    batch = batch_of(["a"])
    batch |= {key: batch[key].to("meta") for key in ("image", "mask")}
    for step in range(CHECK_EVERY - 1):
        module.training_step(batch, step)
    with pytest.raises((RuntimeError, NotImplementedError)):
        module.training_step(batch, CHECK_EVERY - 1)


def test_a_loss_that_was_no_number_is_found_before_the_epoch_is_scored() -> None:
    module = made(Net()).train()
    module._unchecked = torch.tensor(float("nan"))
    with pytest.raises(HumansegError, match="became nan in epoch 1"):
        module.on_validation_epoch_start()


@pytest.mark.parametrize("channels_last", [False, True])
def test_photos_lie_in_memory_as_was_chosen(channels_last: bool) -> None:
    batch = batch_of(["a", "b"])
    before = batch["image"].clone()
    after = made(Net(), channels_last=channels_last).on_after_batch_transfer(batch, 0)["image"]
    layout = torch.channels_last if channels_last else torch.contiguous_format
    assert after.is_contiguous(memory_format=layout)
    assert torch.equal(after, before)


def test_dropout_follows_from_seed_epoch_and_batch() -> None:
    def draw(seed: int, epoch: int, batch: int) -> Tensor:
        module = made(Net(), seed=seed)
        trainer = {"current_epoch": epoch, "global_rank": 0}
        module._trainer = type("T", (), trainer)()
        torch.rand(batch + epoch)  # what was drawn before, by a loader say, does not matter
        module.on_train_batch_start(batch_of(["a"]), batch)
        return torch.rand(4)

    assert torch.equal(draw(0, 3, 2), draw(0, 3, 2))
    assert not torch.equal(draw(0, 3, 2), draw(0, 4, 2))
    assert not torch.equal(draw(0, 3, 2), draw(0, 3, 3))
    assert not torch.equal(draw(0, 3, 2), draw(1, 3, 2))


def test_scores_do_not_depend_on_batches() -> None:
    batch = batch_of(["a", "b", "c"])
    whole, single = made(Net(sideways=True)).eval(), made(Net(sideways=True)).eval()
    whole.validation_step(batch, 0)
    for index in range(3):
        part = {key: value[index : index + 1] for key, value in batch.items()}
        single.validation_step(part, index)  # type: ignore[arg-type]
    assert whole.valid_scores.compute() == single.valid_scores.compute()
    whole.on_validation_epoch_start()
    assert not whole.valid_scores.photos, "scores of the epoch before would be counted again"


def test_batches_that_end_before_the_extra_photos_are_validated_on_the_others() -> None:
    """As with trainer=debug."""
    module = made(Net(sideways=True), scores_extra=True).eval()
    logged: dict[str, Any] = {}
    module.trainer = pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
    module.log = lambda name, value, **_: logged.update({name: value})  # type: ignore[method-assign]
    module.log_dict = lambda *_: None  # type: ignore[method-assign]
    for ids in (["a"], ["b", "more/c"]):
        module.on_validation_epoch_start()
        module.validation_step(batch_of(ids), 0)
        module.on_validation_epoch_end()
        assert (SOURCES in logged) == ("more/c" in ids)
    assert logged[SELECTION] == pytest.approx(
        (module.valid_scores.compute()["dice"] + logged[SOURCES]) / 2
    )


def _validate_in_a_process(rank: int, shares: list[list[int]], meeting: Path) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=meeting.as_uri(), rank=rank, world_size=len(shares)
    )
    batch, module = batch_of(["a", "b", "c"]), made(Net(sideways=True)).eval()
    expected = module.loss(module(batch["image"]), batch["mask"].float()).item()  # type: ignore[misc]
    logged: dict[str, float] = {}
    module.log_dict = logged.update  # type: ignore[assignment]
    module.on_validation_epoch_start()
    share = {
        key: [value[index] for index in shares[rank]] if key == "id" else value[shares[rank]]
        for key, value in batch.items()
    }
    module.validation_step(share, 0)  # type: ignore[arg-type]
    module.on_validation_epoch_end()
    assert logged["val/loss"] == pytest.approx(expected), (rank, logged, expected)
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_the_valid_loss_of_processes_with_unequal_shares_is_that_of_one(tmp_path: Path) -> None:
    """Lightning's own mean divides by a number of photos that it rounds down to a whole one."""
    context, shares = mp.get_context("fork"), [[0, 1], [2]]
    workers = [
        context.Process(target=_validate_in_a_process, args=(rank, shares, tmp_path / "meeting"))
        for rank in range(2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    codes = [worker.exitcode for worker in workers]
    for worker in workers:
        worker.kill()
    assert codes == [0, 0]


class LearnedLoss(BCELoss):
    """Weighs itself."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        return (-self.weight).exp() * super().loss(logits, target) + self.weight


@pytest.mark.parametrize(("loss", "learns"), [(LearnedLoss(), True), (BCELoss(), False)])
def test_a_loss_with_parameters_is_trained_too(loss: nn.Module, learns: bool) -> None:
    module = SegmentationModule(
        Segmenter(Net(), (0.5,) * 3, (0.5,) * 3, stride=1),
        loss=loss,
        optimizer=AdamW(),
        scheduler=Constant(),
    )
    module.trainer = SimpleNamespace(  # type: ignore[assignment]  # what is asked of one
        fit_loop=SimpleNamespace(setup_data=lambda: None),
        estimated_stepping_batches=4,
        num_training_batches=2,
    )
    groups = module.configure_optimizers()["optimizer"].param_groups
    trained = [id(parameter) for group in groups for parameter in group["params"]]
    assert set(map(id, module.segmenter.parameters())) <= set(trained)
    assert set(map(id, loss.parameters())) == set(trained) - set(
        map(id, module.segmenter.parameters())
    )
    # A checkpoint holds it, and gives it back to a resumed training.
    assert ("loss.weight" in module.state_dict()) == learns


def test_with_further_sources_their_mean_chooses_the_checkpoint_and_is_what_is_watched(
    sample_root: Path, tmp_path: Path, train_run: Callable[..., RunFolder]
) -> None:
    extra = tmp_path / "more"
    shutil.copytree(sample_root / "train", extra / "image")
    shutil.copytree(sample_root / "train_mask", extra / "mask")
    # Nobody is in one photo of a source with people: its Dice of 0 counts there.
    (empty,) = (extra / "mask").glob("0.*")
    Image.new("L", Image.open(empty).size).save(empty)
    source = "{folder: more, match: '[0-2].*'}"
    run = train_run(
        tmp_path / "run",
        "trainer=fp32",
        f"data.extra_root={tmp_path}",
        f"data.extra_valid={{a: {source}, b: {{folder: more, match: '3.*'}}}}",
        "callbacks=[early_stopping]",
        "callbacks.early_stopping.min_delta=0",
        "scheduler=plateau",
    )
    scores = read_summary(run.summary)["dice_by_source"]
    assert {name: one["photos"] for name, one in scores.items()} == {"a": 3, "b": 1}
    kept = read_checkpoint(run.best)["callbacks"]["Checkpoints"]["best_dice"]
    dice = [read_summary(run.summary)["dice_at_half"], *(one["dice"] for one in scores.values())]
    assert kept == pytest.approx(sum(dice) / 3, abs=1e-4)
    assert read_summary(run.summary)["selection"] == pytest.approx(kept, abs=1e-4)
    assert max(pd.read_csv(run.history)["val_selection"]) == pytest.approx(kept, abs=1e-5)
    last = read_checkpoint(run.last)
    (stopping,) = (
        state for key, state in last["callbacks"].items() if key.startswith("EarlyStopping")
    )
    assert float(stopping["best_score"]) == pytest.approx(kept, abs=1e-5)
    assert float(last["lr_schedulers"][0]["best"]) == pytest.approx(kept, rel=2e-4)
    rows = pd.read_csv(run.path / "scores_extra.csv")
    assert sorted(rows["source"]) == ["a", "a", "a", "b"]
