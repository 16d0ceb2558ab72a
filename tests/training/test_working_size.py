"""A small net at a small working size: trained there, scored at the photos' own size."""

from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import DictConfig, open_dict

from humanseg.config.prediction import prediction_sizes
from humanseg.errors import HumansegError
from humanseg.evaluation.data import data_of
from humanseg.evaluation.evaluate import evaluate
from humanseg.models.checkpoint import load_segmenter, make_segmenter
from humanseg.models.onnx.run_file import working_side
from humanseg.runs import RunFolder, read_summary

Train = Callable[..., RunFolder]


@pytest.mark.parametrize("long_side", [40, 96])
def test_a_light_net_on_a_cut_backbone(train_run: Train, tmp_path: Path, long_side: int) -> None:
    run = train_run(
        tmp_path / "run",
        "model=light_unet",
        "model.decoder_channels=[4,4,8]",
        "backbone=mobilenetv2",
        "backbone.stages=4",
        f"data.train_size={long_side}",
        "augmentation=robust",
        "data.batch_size=4",
    )
    summary = read_summary(run.summary)
    assert summary["status"] == "finished" and summary["parameters"] < 700_000
    again = evaluate(run.path)
    assert again.scores["dice"] == summary["dice"]
    assert len(again.per_photo) == 3


def test_a_net_predicts_at_another_size_than_it_was_trained_at(
    train_run: Train, tmp_path: Path
) -> None:
    run = train_run(tmp_path / "run", "data.train_size=96", "eval_size=40")
    segmenter, config = load_segmenter(run)
    assert segmenter.eval_sizes == (40,) and working_side(config, (64, 48)) == 40
    assert data_of(config).sample_size() == (96, 72)
    again = evaluate(run.path)
    assert again.scores["dice"] == read_summary(run.summary)["dice"]


def test_a_net_predicts_on_mirrored_photos(train_run: Train, tmp_path: Path) -> None:
    run = train_run(tmp_path / "run", "eval_size=[40,64]", "eval_mirrored=[true,false]")
    segmenter, _ = load_segmenter(run)
    assert segmenter.mirrored == (True, False)
    assert evaluate(run.path).scores["dice"] == read_summary(run.summary)["dice"]


@pytest.mark.parametrize(
    ("options", "mirrored"),
    [
        (["eval_size=[40,64]", "eval_mirrored=true"], (True, True)),
        (["data.train_size=96", "eval_mirrored=true"], (True,)),
        (["eval_size=[40,64]"], (False, False)),
        ([], ()),
    ],
)
def test_one_value_mirrors_all_sizes(
    compose: Callable[..., DictConfig], options: list[str], mirrored: tuple[bool, ...]
) -> None:
    assert make_segmenter(compose(*options)).mirrored == mirrored


@pytest.mark.parametrize(
    "options",
    [
        ["eval_size=[40,64]", "eval_mirrored=[true]"],
        ["eval_size=40", "eval_mirrored=[true,false]"],
        ["eval_mirrored=true"],
        ["eval_mirrored=[true]"],
    ],
)
def test_mirrored_and_sizes_must_fit(
    compose: Callable[..., DictConfig], options: list[str]
) -> None:
    with pytest.raises(HumansegError) as caught:
        make_segmenter(compose(*options))
    assert caught.value.code == "models.eval_mirrored"


def test_where_nothing_is_said_it_predicts_as_it_was_trained(
    compose: Callable[..., DictConfig],
) -> None:
    for options, sizes, of_export in (([], [], 64), (["data.train_size=96"], [96], 96)):
        config = compose(*options)
        assert prediction_sizes(config) == sizes and working_side(config, (64, 48)) == of_export
        with open_dict(config):  # runs from before there was such a setting lack it
            del config["eval_size"], config["eval_mirrored"]
        assert make_segmenter(config).eval_sizes == tuple(sizes)
