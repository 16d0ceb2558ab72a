"""A small net at a small working size: trained there, scored at the photos' own size."""

from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import DictConfig, open_dict

from humanseg.evaluation.data import data_of
from humanseg.evaluation.evaluate import evaluate
from humanseg.models.checkpoint import load_segmenter, prediction_sizes
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


def test_where_nothing_is_said_it_predicts_as_it_was_trained(
    compose: Callable[..., DictConfig],
) -> None:
    for options, sizes, of_export in (([], [], 64), (["data.train_size=96"], [96], 96)):
        config = compose(*options)
        assert prediction_sizes(config) == sizes and working_side(config, (64, 48)) == of_export
        with open_dict(config):  # runs from before there was such a setting lack it
            del config["eval_size"]
        assert prediction_sizes(config) == sizes
