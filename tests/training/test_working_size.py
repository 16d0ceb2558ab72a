"""A small net at a small working size: trained there, scored at the photos' own size."""

from collections.abc import Callable
from pathlib import Path

import pytest

from humanseg.runs import RunFolder, read_summary
from humanseg.training.evaluation import evaluate_run

Train = Callable[..., RunFolder]


@pytest.mark.parametrize("long_side", [40, 96])
def test_a_light_net_on_a_cut_backbone(train_run: Train, tmp_path: Path, long_side: int) -> None:
    run = train_run(
        tmp_path / "run",
        "model=light_unet",
        "model.channels=[4,4,8]",
        "backbone=mobilenetv2",
        "backbone.stages=4",
        f"data.long_side={long_side}",
        "augmentation=world",
        "data.batch_size=4",
    )
    summary = read_summary(run.summary)
    assert summary["status"] == "finished" and summary["parameters"] < 700_000
    again = evaluate_run(run.path, None, "valid", tta=False, threshold=None)
    assert again.scores["dice"] == summary["dice"]
    assert len(again.per_photo) == 3
