"""The result of a training, read from its folder."""

from pathlib import Path

from humanseg.training.result import TrainResult


def test_scores_that_are_not_defined_or_of_another_version_are_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text("id,dice,boundary_dice,new\n007,0,nan,1\n8,0.8,0.5,1\n")
    run = TrainResult(tmp_path, {"dice": 0.4, "dice_at_half": 0.3, "threshold": 0.4})
    assert run.scores == {"dice": 0.4, "dice_at_half": 0.3}
    assert run.per_photo["id"].tolist() == ["007", "8"]
    assert run.per_photo["boundary_dice"].mean() == 0.5 and run.per_photo["new"].sum() == 2
    assert run.interval == (0.0, 0.8)
