import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import OmegaConf

from humanseg.config.build import build
from humanseg.config.checking.check import check_config
from humanseg.config.load import load_run_config
from humanseg.config.targets import find_target, require_permitted
from humanseg.errors import HumansegError

REFUSED: list[Any] = [
    "os.system",
    "posix.system",
    "builtins.eval",
    "builtins.exec",
    "subprocess.Popen",
    "importlib.import_module",
    "functools.partial",
    "hydra.utils.get_class",
    "hydra.utils.instantiate",
    "pickle.loads",
    "torch.load",
    "torch.hub.load",
    "torch.package.PackageImporter",
    "torch.nn.functional.relu",
    "torch.nn.modules.module.torch.load",
    "torch.nn.modules.module.itertools.chain",
    "torch.optim.optimizer.functools.partial",
    "torch.nn.Module.load_state_dict",
    "torch.nn.ReLU.__init__",
    "torch.nnx.Evil",
    "torch.nn.modules.conv._ConvNd",
    "torch.nn.modules.module.OrderedDict",
    "humanseg.data.layout.folders.Path",
    "pytorch_lightning.LightningModule.load_from_checkpoint",
    "pytorch_lightning.callbacks.callback.Callback.on_fit_end",
    "pytorch_lightning.loggers.csv_logs.os.system",
    "albumentations.from_dict",
    "albumentations.load",
    "humanseg.io.files.write_bytes",
    "humanseg.io.files.os.system",
    "humanseg.cli.main.main",
    "humanseg.config.build",
    "humanseg.__main__.main",
    "humanseg.training.hydra_app.os.system",
    "humanseg.training.hydra_app.run_app",
    "humanseg.training.train.train",
    "humanseg.data.write_sample",
    "..os.system",
    "os",
    "",
    None,
    5,
    ["os.system"],
]


@pytest.mark.parametrize("target", REFUSED, ids=str)
def test_arbitrary_targets_are_refused_by_key_and_name(target: Any) -> None:
    node = {"outer": [{"_target_": "torch.nn.ReLU", "inplace": {"_target_": target}}]}
    with pytest.raises(HumansegError) as caught:
        build(node)
    assert "outer[0].inplace._target_" in str(caught.value)
    assert str(target) in str(caught.value)


@pytest.mark.parametrize(
    "target",
    [
        "torch.nn.ReLU",
        "torch.optim.AdamW",
        "torch.optim.lr_scheduler.CosineAnnealingLR",
        "albumentations.HorizontalFlip",
        "pytorch_lightning.Trainer",
        "pytorch_lightning.callbacks.EarlyStopping",
        "pytorch_lightning.loggers.CSVLogger",
        "humanseg.models.UNet",
        "humanseg.losses.DiceLoss",
    ],
)
def test_what_a_training_is_made_of_is_permitted(target: str) -> None:
    assert find_target(target).__name__ == target.split(".")[-1]


def test_a_malicious_run_config_executes_nothing(tmp_path: Path) -> None:
    proof = tmp_path / "executed"
    (tmp_path / "evilmod.py").write_text(f"open({str(proof)!r}, 'w')\ndef run(): pass\n")
    sys.path.insert(0, str(tmp_path))
    attacks: list[dict[str, Any]] = [
        {"_target_": "os.system", "command": f"touch {proof}"},
        {"_target_": "evilmod.run"},
        {"_target_": "humanseg.io.files.write_bytes", "path": str(proof), "content": "x"},
        {"_target_": "torch.nn.ReLU", "inplace": {"_target_": "os.mkdir", "path": str(proof)}},
        {"_target_": "torch.nn.Sequential", "_args_": [{"_target_": "evilmod.run"}]},
        {"_target_": "torch.nn.ReLU", "_partial_": True, "x": {"_target_": "evilmod.run"}},
        {"_target_": "torch.nn.ReLU", "_recursive_": False, "x": [{"_target_": "evilmod.run"}]},
    ]
    try:
        for number, attack in enumerate(attacks):
            path = tmp_path / f"{number}.yaml"
            path.write_text(yaml.safe_dump({"model": attack}))
            config = load_run_config(path)
            for use in (lambda c: build(c.model), build, check_config):
                with pytest.raises(HumansegError):
                    use(config)
    finally:
        sys.path.remove(str(tmp_path))
    assert not proof.exists()
    assert "evilmod" not in sys.modules


def test_nothing_is_imported_when_one_of_the_names_is_refused(tmp_path: Path) -> None:
    assert "albumentations.pytorch.nowhere" not in sys.modules
    node = [{"_target_": "humanseg.data.nowhere.Thing"}, {"_target_": "os.system"}]
    with pytest.raises(HumansegError) as caught:
        require_permitted(node)
    # Had the first been looked up, it would be named as missing.
    assert "nowhere" not in str(caught.value)


def test_every_refused_target_is_named_at_once() -> None:
    node = {"a": {"_target_": "os.system"}, "b": [{"_target_": "builtins.eval"}]}
    with pytest.raises(HumansegError) as caught:
        build(OmegaConf.create(node))
    assert "a._target_: os.system" in str(caught.value)
    assert "b[0]._target_: builtins.eval" in str(caught.value)


def test_an_interpolated_target_is_seen() -> None:
    config = OmegaConf.create({"name": "os.system", "x": {"_target_": "${name}", "command": "no"}})
    with pytest.raises(HumansegError, match="os.system"):
        build(config.x)


def test_a_typo_gets_the_nearest_name() -> None:
    with pytest.raises(HumansegError, match="did you mean humanseg.models.UNet"):
        find_target("humanseg.models.Unet")
    with pytest.raises(HumansegError, match="did you mean torch.nn.ReLU"):
        find_target("torch.nn.Relu")


@pytest.fixture
def own_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    folder = tmp_path / "my_losses_package"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "import os\nfrom torch import nn\n"
        "class MyLoss(nn.Module):\n    def __init__(self, power: float = 2.0): super().__init__()\n"
        "def make_loss(power: float = 1.0): return MyLoss(power)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("HUMANSEG_PACKAGES", f"other, {folder.name}")
    return folder.name


def test_a_package_of_ones_own_is_permitted_by_name(own_package: str) -> None:
    loss = build({"_target_": f"{own_package}.MyLoss", "power": 3})
    assert type(loss).__name__ == "MyLoss"
    assert type(build({"_target_": f"{own_package}.make_loss"})) is type(loss)


def test_a_package_of_ones_own_opens_no_other(own_package: str) -> None:
    with pytest.raises(HumansegError, match="leaves its package"):
        build({"_target_": f"{own_package}.os.system", "command": "true"})
    os.environ.pop("HUMANSEG_PACKAGES")
    with pytest.raises(HumansegError, match="HUMANSEG_PACKAGES"):
        build({"_target_": f"{own_package}.MyLoss"})


def test_a_package_of_ones_own_that_cannot_be_imported_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_broken_package.py").write_text("import scikit_nothing\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("HUMANSEG_PACKAGES", "my_broken_package,my_missing_package")
    with pytest.raises(HumansegError, match="my_broken_package needs scikit_nothing, which is not"):
        find_target("my_broken_package.MyLoss")
    with pytest.raises(HumansegError, match=r"no package my_missing_package\. .*PYTHONPATH"):
        find_target("my_missing_package.MyLoss")
