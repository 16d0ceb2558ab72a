"""A training starts from a bundled model, or from an export."""

import shutil
from collections.abc import Callable
from pathlib import Path

import hydra
import pytest
import torch
from omegaconf import DictConfig
from PIL import Image
from torch import nn

from humanseg.config.find import conf_folder
from humanseg.errors import HumansegError, Refused
from humanseg.inference.catalog import bundled_models
from humanseg.io.files import file_sha256
from humanseg.runs import RunFolder
from humanseg.training.preflight.paths import find_start, require_paths
from humanseg.training.preflight.unseen import require_unseen_starts
from humanseg.training.request import read_request, resolve_config
from humanseg.training.setup import setup

Ask = Callable[..., DictConfig]


@pytest.fixture
def ask(sample_root: Path, tmp_path: Path) -> Ask:
    """Compose the experiment that fine-tunes a small bundled model on the sample."""

    def composed(*words: str) -> DictConfig:
        fixed = ("experiment=finetune_tiny", "threads=1", "trainer=cpu", "logger=[none]")
        with hydra.initialize_config_dir(str(conf_folder()), version_base="1.3"):
            given = [*fixed, f"data.root={sample_root}", f"run_dir={tmp_path}/run", *words]
            return hydra.compose("train", given)

    return composed


def test_a_bundled_model_is_named_as_everywhere_else(ask: Ask, tmp_path: Path) -> None:
    tiny = bundled_models()["tiny"]
    assert resolve_config(ask("init_from=tiny")).init_from == "tiny"
    assert find_start(Path("tiny")) == tiny.file
    export = shutil.copytree(tiny.folder, tmp_path / "export")
    assert find_start(export) == find_start(export / tiny.file.name) == export / tiny.file.name


def test_a_folder_of_a_bundled_name_comes_first(
    ask: Ask, copied: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(copied.path.parent)
    copied.path.rename("tiny")
    named = resolve_config(ask("init_from=tiny")).init_from
    assert find_start(Path(named)) == copied.path.parent / "tiny" / "checkpoints" / "best.ckpt"


def test_a_misspelled_name_lists_the_bundled_models(ask: Ask) -> None:
    with pytest.raises(HumansegError, match="robst.*nothing at this path.*best, robust") as caught:
        require_paths(ask("init_from=robst"))
    assert caught.value.code == "runs.not_there"


def test_a_start_from_a_bundled_model_has_the_statistics_of_the_photos(ask: Ask) -> None:
    made = setup(read_request(ask()))
    file = bundled_models()["robust_tiny"].file
    assert made.sources["init_from"] == [file_sha256(file)]
    segmenter = made.module.segmenter
    # Lightning leaves it so: in evaluation mode it would learn from other sizes, by fixed norms.
    assert all(module.training for module in made.module.modules())
    photos = made.photos.first_samples(16)
    assert photos.dtype == torch.uint8 and photos.shape[1:] == (3, 224, 224)
    with torch.no_grad():
        wanted = segmenter.eval()(photos) > 0
        norms = [layer for layer in segmenter.modules() if isinstance(layer, nn.BatchNorm2d)]
        for norm in norms:
            norm.train()
        segmenter.eval_sizes = ()
        assert (segmenter(photos) > 0).ne(wanted).float().mean() < 0.01
    assert wanted.any() and not wanted.all()


def test_the_weights_of_a_file_are_not_averaged_with_others(ask: Ask) -> None:
    with pytest.raises(HumansegError, match="cannot be averaged") as caught:
        setup(read_request(ask("init_from=[tiny,robust_tiny]")))
    assert caught.value.code == "training.averaged_export"


def test_a_bundled_model_may_know_the_photos_of_a_fold(ask: Ask) -> None:
    with pytest.raises(Refused, match="init_from=robust_tiny is no run") as caught:
        require_unseen_starts(ask("data.fold=0"))
    assert caught.value.code == "training.other_fold"


def test_a_start_from_a_bundled_model_learns_from_a_teacher_too(ask: Ask, tmp_path: Path) -> None:
    more = tmp_path / "more"
    more.mkdir()
    Image.effect_noise((48, 64), 80).convert("RGB").save(more / "1.png")
    made = setup(
        read_request(ask(f"distillation.unlabelled_dir={more}", "distillation.teachers=tiny"))
    )
    assert made.distillation is not None and made.distillation["unlabelled"] == 1
    assert "soft" in next(iter(made.photos.train_dataloader()))
