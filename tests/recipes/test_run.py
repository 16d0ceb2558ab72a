"""A recipe's stages in order, each done once, and the files that it ends with."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

import humanseg
from humanseg.cli.main import main
from humanseg.inference.named_model import resolve_model
from humanseg.io.files import file_sha256
from humanseg.recipes import record as record_module
from humanseg.recipes import run
from humanseg.recipes.files import EXPORT
from humanseg.runs import RunFolder, open_run, update_summary
from humanseg.sweeps.jobs import Outcome
from humanseg.sweeps.launch import run_jobs
from humanseg.training.request import TrainRequest

if TYPE_CHECKING:
    from tests.recipes.conftest import RunRecipe, Work

CHAIN: dict[str, Any] = {
    "first": {"adds": "weights", "settings": {"trainer": {"max_epochs": 3}}},
    "second": {
        "adds": "a lower rate",
        "settings": {"init_from": "stage:first", "optimizer": {"lr": 0.001}},
    },
    "third": {
        "settings": {
            "init_from": ["stage:first", "stage:second"],
            "distillation": {"teachers": "stage:second"},
        }
    },
}


class Seen:
    """Does stages, and remembers the config of each."""

    def __init__(self, finish: "Work") -> None:
        self.finish = finish
        self.requests: dict[str, TrainRequest] = {}

    def __call__(self, request: TrainRequest) -> Outcome:
        self.requests[request.folder.name] = request
        return self.finish(request)


@pytest.fixture
def seen(finish: "Work") -> Seen:
    return Seen(finish)


def test_stages_start_from_and_learn_from_earlier_ones(
    recipe: "RunRecipe", seen: Seen, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert recipe(seen, CHAIN, "seed=7") == 0
    folder = tmp_path / "runs/mine"
    assert list(seen.requests) == ["first", "second", "third"]
    first, second, third = (request.config for request in seen.requests.values())
    assert first.init_from is None and first.trainer.max_epochs == 3
    assert second.init_from == str(folder / "first") and second.optimizer.lr == 0.001
    assert list(third.init_from) == [str(folder / "first"), str(folder / "second")]
    assert third.distillation.teachers == str(folder / "second")
    assert {config.seed for config in (first, second, third)} == {7}
    summary = json.loads((folder / "third/summary.json").read_text())
    assert (summary["recipe"], summary["stage"]) == ("mine", "third")
    shown = capsys.readouterr().out
    assert "a lower rate" in shown and "over" in shown


def test_the_folder_ends_with_the_files_of_the_last_stage_the_model_and_a_record(
    recipe: "RunRecipe", finish: "Work", tmp_path: Path
) -> None:
    assert recipe(finish, CHAIN) == 0
    folder = tmp_path / "runs/mine"
    for name in ("pred_valid.csv", "scores.csv", "test.html", "test/9.jpg"):
        assert (folder / name).read_bytes() == (folder / "third" / name).read_bytes()
    assert (folder / EXPORT / "model.onnx").read_text() == "third"
    record = json.loads((folder / "record.json").read_text())
    assert (record["recipe"], record["status"]) == ("mine", "finished")
    assert "recipe=mine" in record["command"]
    first, second, third = record["stages"]
    assert "++init_from=['stage:first','stage:second']" in third["overrides"]
    assert third["starts_from"] == ["first", "second"] and third["learns_from"] == ["second"]
    assert second["gain"]["over"] == "first" and "gain" not in first
    assert len(third["checkpoint_sha256"]) == 64
    assert record["model"]["files"]["model.onnx"]["bytes"] == 5
    assert record["data"]["valid"] == 3
    assert json.loads((folder / EXPORT / "recipe.json").read_text()) == record


def test_a_checkpoint_is_hashed_once_however_often_the_record_is_written(
    recipe: "RunRecipe", finish: "Work", monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []

    def hash_file(file: Path) -> str:
        hashed.append(file.parents[1].name)
        return file_sha256(file)

    monkeypatch.setattr(record_module, "file_sha256", hash_file)
    assert recipe(finish, CHAIN) == 0
    assert sorted(hashed) == ["first", "second", "third"]


def test_a_finished_stage_is_not_repeated_and_a_failed_one_is_tried_again(
    recipe: "RunRecipe", finish: "Work", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done: list[str] = []
    fail = [True]

    def work(request: TrainRequest) -> Outcome:
        done.append(request.folder.name)
        if fail[0] and request.folder.name == "second":
            return Outcome("failed", "The loss became nan.")
        return finish(request)

    assert recipe(work, CHAIN) == 2
    assert done == ["first", "second"]
    assert "second: The loss became nan." in capsys.readouterr().err
    assert not (tmp_path / "runs/mine/export").exists()
    fail[0] = False
    assert recipe(work, CHAIN) == 0
    assert done == ["first", "second", "second", "third"]
    assert recipe(work, CHAIN) == 0
    assert len(done) == 4


def test_a_stage_killed_within_is_gone_on_with(
    recipe: "RunRecipe", seen: Seen, finish: "Work", tmp_path: Path
) -> None:
    """What a killed process leaves: a config, a summary that says running, no lock."""

    def killed(request: TrainRequest) -> Outcome:
        if request.folder.name == "first":
            return finish(request)
        finish(request)
        update_summary(RunFolder(request.folder).summary, status="running")
        raise KeyboardInterrupt

    assert recipe(killed, CHAIN) == 130
    record = json.loads((tmp_path / "runs/mine/record.json").read_text())
    assert record["status"] == "running"
    assert recipe(seen, CHAIN) == 0
    assert list(seen.requests) == ["second", "third"]


def test_a_changed_stage_is_refused_or_put_aside_with_what_follows_from_it(
    recipe: "RunRecipe",
    seen: Seen,
    finish: "Work",
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert recipe(finish, CHAIN) == 0
    changed = "recipe.stages.second.settings.optimizer.lr=0.01"
    assert recipe(seen, CHAIN, changed) == 2
    shown = capsys.readouterr().err
    assert "second: optimizer.lr was 0.001 and would now be 0.01" in shown
    assert "third: second, which it was made from, is to be trained again" in shown
    assert "first:" not in shown and not seen.requests
    assert recipe(seen, CHAIN, changed, "restart=true") == 0
    assert list(seen.requests) == ["second", "third"]
    (aside,) = tmp_path.glob("runs/mine-before-*")
    assert sorted(path.name for path in aside.iterdir()) == ["second", "third"]
    assert recipe(seen, CHAIN, changed) == 0


def test_a_folder_of_further_photos_changes_no_stage_without_such(
    recipe: "RunRecipe", seen: Seen, finish: "Work", sample_root: Path
) -> None:
    assert recipe(finish, CHAIN) == 0
    assert recipe(seen, CHAIN, f"data.extra_root={sample_root}", "data.extra.ccp=null") == 0
    assert not seen.requests


def test_a_stage_made_from_an_older_checkpoint_is_noticed(
    recipe: "RunRecipe", finish: "Work", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert recipe(finish, CHAIN) == 0
    (tmp_path / "runs/mine/first/checkpoints/best.ckpt").write_text("another training")
    assert recipe(finish, CHAIN) == 2
    assert "second: first, which it was made from, has been trained again since" in (
        capsys.readouterr().err
    )


def test_a_stage_may_start_from_the_last_checkpoint_of_another(
    recipe: "RunRecipe", seen: Seen, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    last = "first/checkpoints/last.ckpt"
    stages = {"first": {}, "second": {"settings": {"init_from": f"stage:{last}"}}}
    folder = tmp_path / "runs/mine"
    assert recipe(seen, stages) == 0
    assert seen.requests["second"].config.init_from == str(folder / last)
    seen.requests.clear()
    assert recipe(seen, stages) == 0 and not seen.requests, "nothing is repeated"
    (folder / last).write_text("another training")
    assert recipe(seen, stages) == 2
    assert "second: first, which it was made from, has been" in capsys.readouterr().err


def test_a_moved_recipe_goes_on(
    recipe: "RunRecipe", seen: Seen, finish: "Work", tmp_path: Path
) -> None:
    last = {"settings": {"init_from": "stage:first/checkpoints/last.ckpt"}}
    stages = {**CHAIN, "fourth": last}
    assert recipe(finish, stages) == 0
    (tmp_path / "runs/mine").rename(tmp_path / "runs/moved")
    assert recipe(seen, stages, "name=moved") == 0
    assert not seen.requests


def test_a_trainer_for_a_machine_leaves_stages_their_epochs(
    recipe: "RunRecipe", seen: Seen
) -> None:
    stages = {"first": {"settings": {"trainer": {"max_epochs": 3, "limit_train_batches": 1}}}}
    assert recipe(seen, stages, "trainer=fp32") == 0
    trainer = seen.requests["first"].config.trainer
    assert (trainer.max_epochs, trainer.limit_train_batches, trainer.precision) == (3, 1, "32-true")
    seen.requests.clear()
    assert recipe(seen, stages, "trainer.max_epochs=5", "name=other") == 0
    assert seen.requests["first"].config.trainer.max_epochs == 5


def test_mirrored_sizes_that_do_not_fit_are_found_before_the_first_stage(
    recipe: "RunRecipe", seen: Seen, capsys: pytest.CaptureFixture[str]
) -> None:
    mirrored = {"eval_size": [64, 48], "eval_mirrored": [True, False]}
    stages = {"first": {}, "second": {"settings": {"init_from": "stage:first", **mirrored}}}
    assert recipe(seen, stages, "eval_size=64") == 2
    assert "second: eval_mirrored has 2 values" in capsys.readouterr().err
    assert not seen.requests
    assert recipe(seen, stages) == 0


def test_a_recipe_is_not_started_once_for_each_device(
    recipe: "RunRecipe",
    seen: Seen,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in (("TORCHELASTIC_RUN_ID", "1"), ("WORLD_SIZE", "2"), ("RANK", "1")):
        monkeypatch.setenv(name, value)
    assert recipe(seen, CHAIN, "trainer=ddp") == 2
    assert "without torchrun or srun" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_two_commands_do_not_share_a_folder(
    recipe: "RunRecipe", finish: "Work", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert recipe(finish, CHAIN) == 0
    lock = {"pid": 1, "started": psutil.Process(1).create_time()}
    (tmp_path / "runs/mine/.lock").write_text(json.dumps(lock))
    assert recipe(finish, CHAIN) == 2
    assert "is working in" in capsys.readouterr().err


def test_the_photos_are_not_replaced_by_pages_of_the_same_names(
    recipe: "RunRecipe", seen: Seen, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = tmp_path / "photos/valid/1.jpg"
    photo.parent.mkdir(parents=True)
    photo.touch()
    assert recipe(seen, CHAIN, "run_dir=photos") == 2
    assert "files that are not those of a recipe" in capsys.readouterr().err
    assert photo.is_file() and not seen.requests


def test_a_record_makes_the_recipe_again(
    recipe: "RunRecipe",
    seen: Seen,
    tmp_path: Path,
    sample_root: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert recipe(seen, CHAIN, "seed=3", "loss=dice") == 0
    before = {name: request.config for name, request in seen.requests.items()}
    record = tmp_path / "runs/mine/record.json"
    again = ["train", f"recipe={record}", f"data.root={sample_root}", "name=again"]
    seen.requests.clear()
    assert main(again) == 0
    for name, request in seen.requests.items():
        for key in ("seed", "loss", "optimizer", "trainer", "backbone", "callbacks"):
            assert request.config[key] == before[name][key], key
    assert list(seen.requests) == list(before)
    assert main([*again, "recipe.budget=1h"]) == 2
    assert "takes no recipe.* settings" in capsys.readouterr().err


def test_a_model_can_be_an_ensemble_of_stages(
    recipe: "RunRecipe", finish: "Work", tmp_path: Path, sample_root: Path
) -> None:
    folder = tmp_path / "runs/mine"
    file, written = folder / EXPORT / "model.onnx", folder / "record.json"
    assert recipe(finish, CHAIN, ensemble={"first": 0.25}) == 0
    assert file.read_text() == "third + first 0.25"
    record = json.loads(written.read_text())
    assert record["ensemble"] == {"first": 0.25}
    assert len(record["model"]["ensemble"]["first"]["checkpoint_sha256"]) == 64
    # Made once, and again with other weights or another checkpoint of a member.
    file.touch()
    before = file.stat().st_mtime_ns
    assert recipe(finish, CHAIN, ensemble={"first": 0.25}) == 0
    assert file.stat().st_mtime_ns == before
    assert recipe(finish, CHAIN, ensemble={"second": 0.5}) == 0
    assert file.read_text() == "third + second 0.5"
    again = ["train", f"recipe={written}", f"data.root={sample_root}", "name=again"]
    assert main(again) == 0
    assert (tmp_path / "runs/again" / EXPORT / "model.onnx").read_text() == file.read_text()


def test_unlabelled_photos_go_to_the_stages_that_have_teachers(
    recipe: "RunRecipe", seen: Seen, sample_root: Path
) -> None:
    more = sample_root / "test"
    assert recipe(seen, CHAIN, f"distillation.unlabelled_dir={more}") == 0
    found = {name: one.config.distillation.unlabelled_dir for name, one in seen.requests.items()}
    assert found == {"first": None, "second": None, "third": str(more)}


def test_a_stage_can_pass_a_setting_of_the_command_line_over(
    recipe: "RunRecipe", seen: Seen
) -> None:
    stages = {**CHAIN, "first": {**CHAIN["first"], "ignore": ["optimizer"]}}
    assert recipe(seen, stages, "optimizer.lr=0.05") == 0
    rates = [request.config.optimizer.lr for request in seen.requests.values()]
    assert rates == [0.003, 0.05, 0.05]


def test_a_stage_that_is_null_is_left_out(recipe: "RunRecipe", seen: Seen) -> None:
    assert recipe(seen, CHAIN, "recipe.stages.third=null") == 0
    assert list(seen.requests) == ["first", "second"]


def test_a_teacher_that_may_know_the_photos_of_a_fold_is_refused_before_the_first_stage(
    recipe: "RunRecipe", seen: Seen, capsys: pytest.CaptureFixture[str]
) -> None:
    stages = CHAIN | {"fourth": {"settings": {"distillation": {"teachers": "best"}}}}
    assert recipe(seen, stages, "data.fold=0") == 2
    assert "is an exported model, which may have been" in capsys.readouterr().err
    assert not seen.requests


def test_stages_that_do_not_wait_for_one_another_are_launched_at_once(
    recipe: "RunRecipe", finish: "Work", monkeypatch: pytest.MonkeyPatch
) -> None:
    launched: list[list[str]] = []

    def noted(jobs: Any, launcher: Any, number: int = 0) -> dict[str, str]:
        launched.append([job.name for job in jobs])
        return run_jobs(jobs, launcher, number)

    monkeypatch.setattr(run, "run_jobs", noted)
    stages: dict[str, Any] = {
        "a": {},
        "b": {"settings": {"seed": 1}},
        "c": {"settings": {"init_from": ["stage:a", "stage:b"]}},
    }
    assert recipe(finish, stages) == 0
    assert launched == [["a", "b"], ["c"]]


def test_the_python_api_returns_the_last_stage(
    recipe: "RunRecipe", finish: "Work", tmp_path: Path, sample_root: Path
) -> None:
    assert recipe(finish, CHAIN) == 0
    result = humanseg.train("--config-dir", str(tmp_path / "conf"), recipe="mine", data=sample_root)
    assert result is not None and result.path == tmp_path / "runs/mine/third"


def test_wandb_shows_the_stages_of_a_recipe_as_one_group(recipe: "RunRecipe", seen: Seen) -> None:
    assert recipe(seen, CHAIN, "logger=[wandb]") == 0
    loggers = [request.config.logger.wandb for request in seen.requests.values()]
    assert [logger.group for logger in loggers] == ["mine"] * 3
    assert [list(logger.tags) for logger in loggers] == [["first"], ["second"], ["third"]]


def test_compare_shows_what_each_stage_gained(
    recipe: "RunRecipe", finish: "Work", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert recipe(finish, CHAIN) == 0
    capsys.readouterr()
    assert main(["compare", str(tmp_path / "runs/mine")]) == 0
    first, second = (
        line.rstrip()
        for line in capsys.readouterr().out.splitlines()[:4]
        if line[:2] in ("fi", "se")
    )
    assert first.endswith("weights") and second.endswith("a lower rate")
    assert " first " in second and " to " in second and " to " not in first


def test_the_folder_of_a_recipe_is_a_model_its_last_stage(
    recipe: "RunRecipe", finish: "Work", tmp_path: Path
) -> None:
    assert recipe(finish, CHAIN) == 0
    folder = tmp_path / "runs/mine"
    assert open_run(folder).path == folder / "third"
    assert resolve_model(folder).onnx == folder / "export/model.onnx"
    assert {"first", "export"} <= {path.name for path in folder.iterdir()}


def test_help_names_the_recipes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--help"]) == 0
    assert "recipe: best, best_from_scratch, best_pspnet, quick" in capsys.readouterr().out
