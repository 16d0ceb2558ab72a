"""What is wrong with a request is said before a photo is read, and nothing is written."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig, OmegaConf
from PIL import Image
from timm.layers.norm_act import BatchNormAct2d
from torch import nn

from humanseg.errors import HumansegError, Refused
from humanseg.models.checkpoint import PREFIX, make_segmenter, read_checkpoint
from humanseg.runs import RunFolder, read_summary, update_summary
from humanseg.training import trainer
from humanseg.training.machine.hardware import Hardware
from humanseg.training.request import TrainRequest, read_request
from humanseg.training.resuming import require_same
from humanseg.training.setup import setup
from humanseg.training.trainer import build_callbacks, count_processes

Compose = Callable[..., DictConfig]
Ask = Callable[..., TrainRequest]


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("threshold=1.5", "threshold: 1.5 is not a number above 0 and below 1 or tune"),
        ("threads=0", "threads: 0 is not a whole number from 1 to 1024 or null"),
        ("auxiliary_weight=-1", "auxiliary_weight: -1 is not a number of at least 0"),
        ("eval_size=7", "eval_size: 7 is not a whole number from 16"),
        ("trainer.max_epochs=0", "trainer.max_epochs: 0 is not a whole number of at least 1"),
        ("optimizer.lr=-1", "optimizer.lr: -1"),
        ("init_from=nowhere", "nowhere"),
        ("data.fold=9", "data.fold=9"),
        ("trainer.devices=0", "devices=0"),
        ("trainer.devices=-2", "should be an int > 0"),
        ("+trainer.strategy=fsdp", "trainer.strategy=fsdp.*trainer=ddp"),
        ("+trainer.strategy=ddp_spawn", "trainer.strategy=ddp_spawn"),
        ("+trainer.num_nodes=2", "trainer.num_nodes=2"),
        ("+trainer.sync_batchnorm=true", "sync_batchnorm=true works on CUDA GPUs"),
    ],
)
def test_a_wrong_setting_is_named_before_the_photos(
    compose: Compose, tmp_path: Path, override: str, says: str
) -> None:
    config = compose(f"run_dir={tmp_path}/run", f"data.root={tmp_path}/no_photos", override)
    with pytest.raises(HumansegError, match=says):
        setup(read_request(config))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("monitor", "says"),
    [
        ("val_loss", "callbacks.early_stopping.monitor=val_loss.*did you mean val/loss?"),
        # Only runs with data.extra_valid have it.
        ("val/sources", "no such score"),
    ],
)
def test_a_score_to_watch_that_no_epoch_has_is_named_before_the_photos(
    compose: Compose, tmp_path: Path, monitor: str, says: str
) -> None:
    config = compose(
        f"run_dir={tmp_path}/run",
        f"data.root={tmp_path}/no_photos",
        "callbacks=[early_stopping]",
        f"callbacks.early_stopping.monitor={monitor}",
    )
    with pytest.raises(HumansegError, match=says):
        setup(read_request(config))


def test_a_callback_that_is_null_is_switched_off(compose: Compose) -> None:
    config = compose("callbacks=[ema,early_stopping]", "callbacks.ema=null")
    assert list(build_callbacks(config)) == ["early_stopping"]


@pytest.mark.parametrize("index", [0, 1])
def test_the_gpu_that_is_named_is_used_before_the_training_too(
    compose: Compose, monkeypatch: pytest.MonkeyPatch, index: int
) -> None:
    class Trainer:
        num_devices, num_nodes = 1, 1

        class strategy:  # noqa: N801 - as Lightning calls it
            root_device = torch.device("cuda", index)

    used: list[torch.device] = []
    monkeypatch.setattr(trainer, "build_trainer", lambda *_: Trainer)
    monkeypatch.setattr(torch.cuda, "set_device", used.append)
    # The first has bf16 units, the second has none.
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_75", "sm_80"])
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (7, 5) if used else (8, 0))
    hardware = Hardware("cuda", "bf16-mixed", True, 1, "this GPU has bf16 units")
    counted = count_processes(
        compose(f"trainer.devices=[{index}]", "trainer.precision=auto"), hardware
    )
    assert counted.processes == 1
    assert counted.precision == ("16-mixed" if index else "bf16-mixed")
    assert used == ([torch.device("cuda", 1)] if index else [])
    given = compose(f"trainer.devices=[{index}]", "trainer.precision=bf16-mixed")
    assert count_processes(given, hardware).precision == "bf16-mixed"


def test_batch_norms_that_are_synchronised_keep_their_activations(compose: Compose) -> None:
    """Those of EfficientNet-Lite and the MobileNets hold one, which torch's conversion drops."""
    config = compose("trainer=ddp", "trainer.devices=2", "trainer.sync_batchnorm=true")
    cpus = Hardware("cpu", "32-true", True, 1, "as on GPUs, which take auto for true", processes=2)
    built = trainer.build_trainer(config, cpus, [])
    assert built.progress_bar_callback is None  # ours is the only one
    strategy = built.strategy
    model = nn.Sequential(BatchNormAct2d(3), nn.BatchNorm2d(3)).eval()
    image = torch.linspace(-1, 1, 48).view(1, 3, 4, 4)
    expected = model(image)
    synced = strategy._layer_sync.apply(model)  # type: ignore[attr-defined]
    assert all(isinstance(norm, nn.SyncBatchNorm) for norm in synced)
    assert expected.min() >= 0 and torch.equal(synced(image), expected)


def test_devices_that_are_not_there_are_named_before_the_photos(
    compose: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (8, 0))
    config = compose(
        f"run_dir={tmp_path}/run",
        f"data.root={tmp_path}/no_photos",
        "trainer.accelerator=gpu",
        "trainer.devices=99",
    )
    with pytest.raises(HumansegError, match="your machine only has"):
        setup(read_request(config))
    assert not list(tmp_path.iterdir())


def test_a_device_without_a_valid_photo_is_one_too_many(compose: Compose, tmp_path: Path) -> None:
    for devices, fine in ((3, True), (4, False)):
        config = compose(f"run_dir={tmp_path}/run", "trainer=ddp", f"trainer.devices={devices}")
        if fine:
            hardware = setup(read_request(config)).hardware
            assert (hardware.processes, hardware.threads_each) == (3, 1)
        else:
            with pytest.raises(HumansegError, match="3 valid photos for 4 devices"):
                setup(read_request(config))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("file", ["train/0.jpg", "train_mask/0.png", "valid/6.jpg"])
def test_a_run_is_not_resumed_on_other_pixels(
    compose: Compose, copied: RunFolder, sample_root: Path, tmp_path: Path, file: str
) -> None:
    root = Path(shutil.copytree(sample_root, tmp_path / "data"))
    config = (copied.path / "config.yaml").read_text().replace(str(sample_root), str(root))
    copied.config.write_text(config)
    request = read_request(compose(f"resume={copied.path}"))
    setup(request)
    with Image.open(root / file) as image:
        flipped = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    flipped.save(root / file)
    with pytest.raises(Refused, match="have changed: their names are the same"):
        setup(request)


def test_a_run_goes_on_where_its_photos_lie_now(
    ask: Ask, copied: RunFolder, sample_root: Path, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(sample_root, tmp_path / "moved_data"))
    request = ask(f"resume={copied.path}", f"data.root={root}", "data.workers=2")
    prepared = setup(request)
    assert prepared.photos.root == root and prepared.notes == [] and prepared.epochs_done == 2
    # A photo that is only predicted changes nothing of the training.
    shutil.copy(root / "train" / "0.jpg", root / "test" / "more.jpg")
    (note,) = setup(request).notes
    assert "3 test photos instead of 2" in note
    (root / "train" / "0.jpg").unlink()
    (root / "train_mask" / "0.png").unlink()
    with pytest.raises(Refused, match="have changed: it had 6 train and 3 valid.* 5 train"):
        setup(request)


def test_other_photos_that_chose_the_checkpoint_are_refused(
    ask: Ask, copied: RunFolder, sample_root: Path, tmp_path: Path
) -> None:
    more = tmp_path / "more"
    shutil.copytree(sample_root / "train", more / "image")
    shutil.copytree(sample_root / "train_mask", more / "mask")
    config = OmegaConf.load(copied.config)
    config.data.extra_root, config.data.extra_valid = str(tmp_path), {"a": {"folder": "more"}}
    OmegaConf.save(config, copied.config)
    request = ask(f"resume={copied.path}")
    # An older version recorded nothing of them.
    update_summary(copied.summary, data=setup(request).data)
    setup(request)
    photo = more / "image" / "0.jpg"
    Image.new("RGB", Image.open(photo).size).save(photo)
    with pytest.raises(Refused, match=r"have changed: those of data\.extra_valid"):
        setup(request)


def test_other_numbers_of_extra_photos_are_named(copied: RunFolder) -> None:
    data = read_summary(copied.summary)["data"] | {"extra": {"a": 3}, "extra_leaked": 0}
    update_summary(copied.summary, data=data)
    pixels = read_summary(copied.summary)["pixels_sha256"]
    with pytest.raises(Refused, match=r"a, 0 left out, now there are .* 2 a, 1 left out"):
        require_same(copied, data | {"extra": {"a": 2}, "extra_leaked": 1}, pixels, None, {})


@pytest.mark.parametrize(("removed", "other"), [("best", "last"), ("last", "best")])
def test_a_run_whose_checkpoint_was_removed_is_not_resumed(
    ask: Ask, copied: RunFolder, removed: str, other: str
) -> None:
    gone: Path = getattr(copied, removed)
    gone.unlink()
    with pytest.raises(HumansegError, match=f"{gone} any more.*init_from=.*{other}.ckpt") as caught:
        setup(ask(f"resume={copied.path}", "trainer.max_epochs=9"))
    assert caught.value.code == "training.removed_checkpoint"


def test_a_run_of_an_older_version_goes_on_where_its_photos_lie_now(
    ask: Ask, copied: RunFolder, sample_root: Path, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(sample_root, tmp_path / "moved_data"))
    summary = json.loads(copied.summary.read_text())
    del summary["pixels_sha256"], summary["sources"]
    copied.summary.write_text(json.dumps(summary))
    (note,) = setup(ask(f"resume={copied.path}", f"data.root={root}")).notes
    assert "older version" in note
    copied.summary.unlink()
    (note,) = setup(ask(f"resume={copied.path}", f"data.root={root}")).notes
    assert "were not compared" in note


def test_all_wrong_settings_are_named_at_once(compose: Compose, tmp_path: Path) -> None:
    config = compose(f"run_dir={tmp_path}/run", "threshold=-1", "threads=0", "seed=-1")
    with pytest.raises(HumansegError) as caught:
        setup(read_request(config))
    assert all(word in str(caught.value) for word in ("threshold: -1", "threads: 0", "seed: -1"))


def test_a_start_from_a_run_needs_no_other_weights(compose: Compose, tmp_path: Path) -> None:
    def of(*more: str) -> DictConfig:
        return compose(f"run_dir={tmp_path}/run", "backbone=resnet18", *more)

    weights = f"backbone.weights={tmp_path}/gone.safetensors"
    with pytest.raises(HumansegError, match=r"gone\.safetensors"):
        setup(read_request(of(weights)))
    state = make_segmenter(of()).state_dict()
    file = tmp_path / "best.ckpt"
    torch.save({"state_dict": {PREFIX + name: value for name, value in state.items()}}, file)
    module = setup(read_request(of(weights, f"init_from={file}"))).module
    for name, value in module.segmenter.state_dict().items():
        torch.testing.assert_close(value, state[name], rtol=0, atol=0)


def test_a_start_from_some_runs_is_the_mean_of_their_weights(
    compose: Compose, copied: RunFolder, tmp_path: Path
) -> None:
    state = read_checkpoint(copied.best)["state_dict"]
    other = tmp_path / "other.ckpt"
    more = {name: one + 3 if one.is_floating_point() else one + 1 for name, one in state.items()}
    torch.save({"state_dict": more}, other)
    config = compose(f"run_dir={tmp_path}/run", f"init_from=[{copied.path},{copied.path},{other}]")
    for name, value in setup(read_request(config)).module.segmenter.state_dict().items():
        first = state[PREFIX + name]
        wanted = first + 1 if first.is_floating_point() else first
        torch.testing.assert_close(value, wanted)


def test_what_a_run_is_made_from_is_fingerprinted(
    compose: Compose, copied: RunFolder, sample_root: Path, tmp_path: Path
) -> None:
    more = Path(shutil.copytree(sample_root / "test", tmp_path / "more"))

    def sources(*overrides: str) -> dict[str, list[str]]:
        request = read_request(compose(f"run_dir={tmp_path}/run", *overrides))
        return setup(request).sources or {}

    start, teacher = f"init_from={copied.path}", f"distillation.teachers={copied.path}"
    assert sources() == {}
    before = sources(start, teacher, f"distillation.unlabelled_dir={more}")
    assert before.keys() == {"init_from", "distillation.teachers", "distillation.unlabelled_dir"}
    assert before["init_from"] == before["distillation.teachers"]
    # The run is trained on, and a photo is drawn over: the names are those from before.
    state = read_checkpoint(copied.best)["state_dict"]
    torch.save({"state_dict": {name: value + 1 for name, value in state.items()}}, copied.best)
    photo = next(more.iterdir())
    Image.new("RGB", Image.open(photo).size).save(photo)
    after = sources(start, teacher, f"distillation.unlabelled_dir={more}")
    assert not [key for key in before if before[key] == after[key]]


def test_weights_alone_are_not_gone_on_from(compose: Compose, copied: RunFolder) -> None:
    state = read_checkpoint(copied.last)["state_dict"]
    torch.save({"state_dict": state}, copied.last)
    with pytest.raises(HumansegError, match="cannot be resumed from.*optimizer_states.*init_from="):
        setup(read_request(compose(f"resume={copied.path}")))
