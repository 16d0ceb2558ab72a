"""Every block of Python in README and documentation runs."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from PIL import Image
from torch.utils.data import DataLoader, TensorDataset

import humanseg
from humanseg.config.build import build
from humanseg.config.checking.check import find_mistakes
from humanseg.config.command_line.overrides import to_override
from humanseg.data.labelled_photo import LabelledPhoto
from humanseg.inference.catalog import BUNDLED
from humanseg.io.images import read_mask
from tests.docs.documents import BLOCKS, Block
from tests.docs.test_commands import compose

PYTHON = [block for block in BLOCKS if block.language == "python" and not block.reason]


class Run(NamedTuple):
    """What a training returns, as far as the blocks look at it."""

    path: Path
    dice: float
    interval: tuple[float, float]

    def __fspath__(self) -> str:
        return str(self.path)


@pytest.fixture
def beside_photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_conf: Path) -> Path:
    """Stand in a folder with the files that the blocks name; trainings are only checked."""

    def train(*words: str, data: str | None = None, **settings: Any) -> Run:
        given = [*words, *(to_override(key, value) for key, value in settings.items())]
        assert data == "photos" and find_mistakes(compose(given, own_conf)) == []
        return Run(Path("runs/NAME"), 0.9, (0.89, 0.91))

    def evaluate(model: str, data: str) -> SimpleNamespace:
        return SimpleNamespace(scores={"dice": 0.9})

    monkeypatch.setattr(humanseg, "train", train)
    monkeypatch.setattr(humanseg, "evaluate", evaluate)
    monkeypatch.chdir(tmp_path)
    picture = np.random.default_rng(0).integers(0, 255, (96, 80, 3), dtype=np.uint8)
    Path("photos/test").mkdir(parents=True)
    for name in ("photo.jpg", "office.jpg", "photos/test/1.jpg"):
        Image.fromarray(picture).save(name)
    shutil.copytree(BUNDLED / "tiny", "export")
    # Of an export with the default formats, and of a run.
    shutil.copy("export/model.int8.onnx", "export/model.onnx")
    Path("runs").mkdir()
    shutil.copytree("export", "runs/NAME")
    for folder in ("coco/train2017", "coco/annotations"):
        Path(folder).mkdir(parents=True)
    Image.fromarray(picture).save("coco/train2017/7.jpg")
    square = [10.0, 10.0, 40.0, 10.0, 40.0, 50.0, 10.0, 50.0]
    crowd = {"counts": [0, 96, 96 * 79], "size": [96, 80]}
    people = [
        {"image_id": 1, "category_id": 1, "segmentation": [square], "iscrowd": 0},
        {"image_id": 1, "category_id": 1, "segmentation": crowd, "iscrowd": 1},
        {"image_id": 1, "category_id": 3, "segmentation": [[0, 0, 80, 0, 80, 96]]},
    ]
    photo = {"id": 1, "file_name": "7.jpg", "height": 96, "width": 80}
    kinds = [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}]
    found = {"images": [photo], "annotations": people, "categories": kinds}
    Path("coco/annotations/instances_train2017.json").write_text(json.dumps(found))
    return tmp_path


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_a_block_of_python_runs(block: Block, beside_photos: Path) -> None:
    exec(compile(block.code, block.page, "exec"), {"__name__": "documentation"})
    if block.mark == "run with: coco":
        mask = read_mask(Path("photos/train_mask/7.png"))
        assert Path("photos/train/7.jpg").is_file()
        assert mask[30, 20] == 1 and mask[5, 0] == 1 and mask[80, 60] == 0


def test_the_parts_of_the_guide_train(own_conf: Path) -> None:
    groups = ("loss", "model", "backbone", "augmentation")
    config = compose([*(f"{group}=mine" for group in groups), "callbacks=[ema,mine]"], own_conf)
    assert find_mistakes(config) == []
    photo = LabelledPhoto(np.full((8, 8, 3), 200, np.uint8), np.ones((8, 8), np.uint8))
    augment = build(config.augmentation)
    drawn = [augment(photo, seed).photo for seed in range(20)]
    assert np.array_equal(drawn[7], augment(photo, 7).photo)
    assert len({pixels.tobytes() for pixels in drawn}) > 5
    backbone = build(config.backbone)
    net, loss = build(config.model)(backbone=backbone), build(config.loss)
    logits = net(torch.zeros(2, 3, 32, 32))
    assert logits.shape == (2, 1, 32, 32)
    loss(logits, torch.ones(2, 1, 32, 32)).backward()
    assert any(weights.grad is not None for weights in net.parameters())


class Scored(pl.LightningModule):
    """Logs the Dice where the module of a training does."""

    def validation_step(self, batch: Any) -> None:
        pass

    def on_validation_epoch_end(self) -> None:
        self.log("val/dice", 0.5)


def test_the_callback_of_the_guide_sees_the_dice_of_the_epoch(
    own_conf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    callback = build(compose(["callbacks=[mine]"], own_conf).callbacks.mine)
    trainer = pl.Trainer(
        accelerator="cpu", callbacks=[callback], logger=False, enable_progress_bar=False
    )
    trainer.validate(Scored(), DataLoader(TensorDataset(torch.zeros(1))), verbose=False)
    assert "Dice 0.5000" in capsys.readouterr().out
