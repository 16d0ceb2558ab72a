"""Several runs as one file: their logits are averaged, and the file knows of all of them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from omegaconf import DictConfig, OmegaConf

import humanseg
from humanseg.cli.main import main
from humanseg.errors import HumansegError, Refused
from humanseg.exporting.source import open_source
from humanseg.exporting.writers.stages import find_stages
from humanseg.models.checkpoint import make_segmenter, without_weights
from humanseg.models.ensemble import Ensemble
from humanseg.models.onnx.convert import convert, save
from humanseg.models.onnx.load_weights import load_exported
from humanseg.models.onnx.network import trace
from humanseg.models.onnx.run_file import model_metadata
from humanseg.runs import RunFolder, open_run

Noise = Callable[..., NDArray[np.uint8]]


@pytest.fixture(scope="module")
def other(run: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of another net with random weights, which works at two sizes: read only."""
    folder = tmp_path_factory.mktemp("ensemble") / "wide"
    shutil.copytree(run.path, folder)
    config = OmegaConf.load(folder / "config.yaml")
    assert isinstance(config, DictConfig)
    config.backbone.widths = [4, 12]
    config.eval_size = [80, 48]
    OmegaConf.save(config, folder / "config.yaml")
    checkpoint = torch.load(folder / "checkpoints" / "best.ckpt", weights_only=True)
    torch.manual_seed(3)
    state = make_segmenter(without_weights(config)).state_dict()
    checkpoint["state_dict"] = {f"segmenter.{name}": value for name, value in state.items()}
    torch.save(checkpoint, folder / "checkpoints" / "best.ckpt")
    return open_run(folder)


@pytest.fixture(scope="module")
def ensemble(run: RunFolder, other: RunFolder) -> onnx.ModelProto:
    """Both as one ONNX model, the other with a weight of a quarter: read only."""
    source = open_source(run, ensemble={other.path: 0.25})
    return convert(trace(source.network), model_metadata(source, (64, 48)))


def test_the_logits_of_the_runs_are_averaged_by_their_weights(
    run: RunFolder, other: RunFolder, noise: Noise, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ["export", str(run.path), "--ensemble", f"{other.path}=0.25", "--out", str(out)]
    assert main([*words, "--formats", "onnx"]) == 0
    photos = noise(33, 47)
    with torch.no_grad():
        first, second = (
            open_source(trained).network.segmenter(torch.from_numpy(photos))
            for trained in (run, other)
        )
    wanted = (0.75 * first + 0.25 * second).sigmoid()[0, 0].numpy()
    assert np.abs(wanted - first.sigmoid()[0, 0].numpy()).max() > 0.01
    averaged = humanseg.load(out).probability(np.ascontiguousarray(photos[0].transpose(1, 2, 0)))
    np.testing.assert_allclose(averaged, wanted, atol=1e-4)
    manifest = json.loads((out / "manifest.json").read_text())
    # Photos are not made smaller than the size at which the larger of both works.
    assert manifest["name"] == "unet-plain+unet-plain" and manifest["long_side"] == 80
    assert manifest["run"] == "run, wide 0.25"
    card = (out / "README.md").read_text()
    assert "It is an ensemble" in card and "`wide` (with a weight of 0.25)" in card


def test_the_folder_of_a_recipe_is_exported_as_its_ensemble(
    run: RunFolder, other: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "recipe"
    for stage in (other, run):
        shutil.copytree(stage.path, recipe / stage.path.name)
    stages = [{"name": stage.path.name} for stage in (other, run)]
    record = {"recipe": "mine", "stages": stages, "ensemble": {"wide": 0.25}}
    (recipe / "record.json").write_text(json.dumps(record))
    out = humanseg.export(recipe, tmp_path / "out", ["onnx"])
    assert json.loads((out / "manifest.json").read_text())["run"] == "run, wide 0.25"
    # In seconds there is the last stage alone, with a line that tells so.
    capsys.readouterr()
    out = humanseg.export(recipe, tmp_path / "quick", quick=True)
    assert json.loads((out / "manifest.json").read_text())["run"] == "run"
    assert "without the others of its ensemble" in capsys.readouterr().out


def test_8_bits_spare_the_first_and_last_layers_of_each_member(ensemble: onnx.ModelProto) -> None:
    stages = find_stages(ensemble)
    assert [stage.name for stage in stages.always] == ["input"] * 3 + ["output"]
    names = [stage.name for stage in stages.inner]
    assert len(set(names)) == len(names)
    assert {name.split(".")[1] for name in names} == {"0", "1"}
    assert all(len(name.split(".")) > 2 for name in names)
    nodes = [name for stage in (*stages.always, *stages.inner) for name in stage.nodes]
    assert sorted(nodes) == sorted(node.name for node in ensemble.graph.node)


@torch.no_grad()
def test_the_member_that_fits_is_trained_further(
    ensemble: onnx.ModelProto, run: RunFolder, other: RunFolder, noise: Noise, tmp_path: Path
) -> None:
    save(ensemble, tmp_path / "model.onnx")
    photos = torch.from_numpy(noise(48, 64))
    for trained in (run, other):
        source = open_source(trained)
        segmenter = make_segmenter(without_weights(source.config)).eval()
        load_exported(segmenter, tmp_path / "model.onnx")
        wanted = source.network.segmenter(photos)
        torch.testing.assert_close(segmenter(photos), wanted, rtol=1e-3, atol=1e-3)


def test_weights_that_leave_no_rest_are_refused(run: RunFolder, tmp_path: Path) -> None:
    for members, reason in (
        ({run.path: 1.5}, "between 0 and 1"),
        ({run.path: 0.6, run.best: 0.6}, "sum up to 1.2"),
    ):
        with pytest.raises(HumansegError, match=reason) as caught:
            humanseg.export(run.path, tmp_path / "out", ensemble=members)
        assert caught.value.code == "export.ensemble" and not (tmp_path / "out").exists()


def test_a_run_is_named_once(
    run: RunFolder, other: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twice = [f"--ensemble={other.path}={weight}" for weight in (0.2, 0.1)]
    assert main(["export", str(run.path), *twice, "--out", str(tmp_path / "out")]) == 2
    assert "names a run twice" in capsys.readouterr().err


def test_a_member_may_be_another_checkpoint_than_the_best_one(
    run: RunFolder, other: RunFolder, tmp_path: Path
) -> None:
    copy = tmp_path / "wide"
    shutil.copytree(other.path, copy)
    last = copy / "checkpoints" / "last.ckpt"
    checkpoint = torch.load(copy / "checkpoints" / "best.ckpt", weights_only=True)
    for value in checkpoint["state_dict"].values():
        value.zero_()
    torch.save(checkpoint, last)
    source = open_source(run, ensemble={last: 0.25})
    assert source.ensemble == (("wide/last.ckpt", 0.25),)
    ensemble = source.network.segmenter
    assert isinstance(ensemble, Ensemble)
    assert all(not weight.any() for weight in ensemble.members[1].parameters())


def test_a_member_that_knows_the_photos_of_the_fold_is_refused(
    run: RunFolder, other: RunFolder, tmp_path: Path
) -> None:
    for name, source, fold in (("main", run, 0), ("member", other, 1), ("same", other, 0)):
        shutil.copytree(source.path, tmp_path / name)
        config = OmegaConf.load(tmp_path / name / "config.yaml")
        OmegaConf.update(config, "data.fold", fold, force_add=True)
        OmegaConf.update(config, "data.folds", 3, force_add=True)
        OmegaConf.save(config, tmp_path / name / "config.yaml")
    main_run = open_run(tmp_path / "main")
    with pytest.raises(Refused) as caught:
        open_source(main_run, ensemble={tmp_path / "member": 0.25})
    assert caught.value.code == "training.other_fold"
    assert open_source(main_run, ensemble={tmp_path / "same": 0.25}).ensemble == (("same", 0.25),)


def test_what_is_exported_already_is_no_ensemble(run: RunFolder, tmp_path: Path) -> None:
    for model, quick, code in (("tiny", False, "ensemble"), (run.path, True, "quick")):
        with pytest.raises(HumansegError) as caught:
            humanseg.export(model, tmp_path / "out", ensemble={run.path: 0.2}, quick=quick)
        assert caught.value.code == f"export.{code}"


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        ("runs/other", "is not RUN=WEIGHT"),
        ("runs/other=much", "is not RUN=WEIGHT"),
        ("=0.2", "path is empty"),
    ],
)
def test_a_member_is_a_run_and_a_weight(
    member: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["export", "runs", "--ensemble", member])
    assert caught.value.code == 2 and reason in capsys.readouterr().err


def test_a_member_that_is_no_run_is_named(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = tmp_path / "nowhere"
    assert main(["export", str(run.path), "--ensemble", f"{nowhere}=0.2"]) == 2
    assert str(nowhere) in capsys.readouterr().err
