import json
from pathlib import Path
from typing import Any

import pytest

from humanseg.errors import HumansegError
from humanseg.exporting.select_run import select_run


def make(folder: Path, dice: float, valid: str = "a", status: str = "finished") -> Path:
    """Write what a run leaves, as far as ranking looks at it."""
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("model: {}\nbackbone: {}\ndata: {}\n")
    (folder / "scores.csv").write_text(
        f"id,dice,iou,boundary_dice,foreground\n1,{dice},{dice},{dice},0.5\n"
    )
    summary: dict[str, Any] = {
        "status": status,
        "data": {"valid_sha256": valid, "valid": 1},
        "dice": dice,
        "dice_at_half": dice,
        "threshold": 0.5,
    }
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder


def test_a_run_is_taken_as_it_is(tmp_path: Path) -> None:
    run = make(tmp_path / "run", 0.5, status="running")
    assert select_run(run).run.path == run


def test_the_best_finished_run_at_any_depth_is_taken_and_the_others_named(tmp_path: Path) -> None:
    make(tmp_path / "one", 0.91)
    best = make(tmp_path / "sweep" / "job=2", 0.95)
    make(tmp_path / "sweep" / "job=3", 0.93)
    make(tmp_path / "sweep" / "job=4", 0.99, status="failed")
    # wandb keeps a config.yaml of its own.
    (tmp_path / "one/wandb/files").mkdir(parents=True)
    (tmp_path / "one/wandb/files/config.yaml").write_text("x: 1\n")
    chosen = select_run(tmp_path)
    assert chosen.run.path == best
    why, *others = chosen.reasons
    assert "0.9500" in why and "3 finished runs" in why and "1 others are unfinished" in why
    assert [line.split()[1] for line in others] == ["0.9300", "0.9100"]
    assert "job=3" in others[0]


@pytest.mark.parametrize(("status", "chosen"), [("finished", "tiny"), ("running", "teacher")])
def test_of_a_recipe_the_last_stage_is_taken_once_it_is_finished(
    tmp_path: Path, status: str, chosen: str
) -> None:
    make(tmp_path / "teacher", 0.98)
    make(tmp_path / "tiny", 0.97, status=status)
    stages = [{"name": "teacher"}, {"name": "tiny"}]
    record = {"recipe": "tiny", "stages": stages, "ensemble": {"teacher": 0.25}}
    (tmp_path / "record.json").write_text(json.dumps(record))
    selected = select_run(tmp_path)
    assert selected.run.path == tmp_path / chosen
    # Its exported model is the same by this command as in the folder of the recipe.
    assert selected.ensemble == ({tmp_path / "teacher": 0.25} if status == "finished" else {})


def test_runs_on_different_photos_are_not_ranked_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make(tmp_path / "one", 0.9, "a"), make(tmp_path / "two", 0.8, "b")
    with pytest.raises(HumansegError, match="--data"):
        select_run(tmp_path)

    def evaluate(run: Path, data: Path, *_: Any) -> Any:
        return type("Report", (), {"scores": {"dice_at_half": {first: 0.5, second: 0.6}[run]}})

    monkeypatch.setattr("humanseg.evaluation.evaluate.evaluate", evaluate)
    chosen = select_run(tmp_path, Path("photos"))
    assert (
        chosen.run.path == second
        and "0.6000 at 0.5 on the valid photos of photos" in (chosen.reasons[0])
    )


@pytest.mark.parametrize("unfinished", [0, 2])
def test_without_a_finished_run_it_says_so(tmp_path: Path, unfinished: int) -> None:
    for number in range(unfinished):
        make(tmp_path / str(number), 0.5, status="running")
    with pytest.raises(HumansegError, match="no finished run") as caught:
        select_run(tmp_path)
    assert ("2 others are unfinished" in str(caught.value)) == bool(unfinished)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(HumansegError, match="nowhere"):
        select_run(tmp_path / "nowhere")
