"""Recipes whose stages are done by a function of the test's, in this process and at once."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from humanseg.cli.main import main
from humanseg.exporting.folder import require_export_folder
from humanseg.recipes import check, files, run
from humanseg.runs import RunFolder, run_lock, update_summary
from humanseg.sweeps import run_job
from humanseg.sweeps.jobs import Outcome
from humanseg.training.preflight.paths import find_start
from humanseg.training.request import TrainRequest, named_paths, sweep_record

Work = Callable[[TrainRequest], Outcome]
RunRecipe = Callable[..., int]
WriteRun = Callable[..., Path]

SMALL = {
    **{"backbone": "plain", "backbone.widths": [4, 8], "model": {"decoder_channels": [4]}},
    **{"augmentation": "light", "threads": 1, "logger": ["none"], "callbacks": ["none"]},
}


@pytest.fixture
def finish(write_run: WriteRun, sample_root: Path) -> Work:
    """Do a stage by leaving a finished run in its folder, with what it was made from."""

    def finished(request: TrainRequest) -> Outcome:
        runs = RunFolder(request.folder)
        sources = {
            key: [_sha256(find_start(Path(path))) for path in paths]
            for key, paths in {
                "init_from": named_paths(request.config.init_from),
                "distillation.teachers": named_paths(request.config.distillation.teachers),
            }.items()
        }
        with run_lock(runs.lock):
            write_run(request.folder, sample_root, moved=len(sources["init_from"]) / 4)
            runs.config.write_text(yaml.safe_dump(_plain(request)))
            runs.best.parent.mkdir(exist_ok=True)
            runs.best.write_bytes(f"{request.folder.name} {request.config.optimizer.lr}".encode())
            runs.last.write_bytes(f"last of {request.folder.name}".encode())
            (runs.path / "test").mkdir(exist_ok=True)
            (runs.path / "test/9.jpg").write_text(request.folder.name)
            runs.test_page.write_text(request.folder.name)
            more = sweep_record(request.config) | {"overrides": request.overrides}
            update_summary(runs.summary, sources=sources, **more)
        return Outcome("finished")

    return finished


@pytest.fixture
def conf(tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    """Write a recipe called `mine`; the folder of configs that it is in."""

    def write(stages: dict[str, Any], **more: Any) -> Path:
        folder = tmp_path / "conf"
        (folder / "recipe").mkdir(parents=True, exist_ok=True)
        (folder / "recipe/mine.yaml").write_text(yaml.safe_dump({"stages": stages, **more}))
        return folder

    return write


@pytest.fixture
def recipe(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sample_root: Path, conf: Any
) -> RunRecipe:
    """Give `humanseg train recipe=mine` in an empty folder, with what does a stage; the exit code.

    The model of each stage is small, and its export is a file with the names of the stages.
    """
    monkeypatch.chdir(tmp_path)

    def export(
        run: Path, out: Path, formats: Sequence[str], ensemble: Mapping[Path, float]
    ) -> None:
        require_export_folder(out, overwrite=True)
        out.mkdir(exist_ok=True)
        members = [run.name, *(f"{path.name} {weight}" for path, weight in ensemble.items())]
        (out / "model.onnx").write_text(" + ".join(members))
        (out / "manifest.json").write_text('{"format": 1}')

    monkeypatch.setattr(files, "_export", export)
    for module in (check, files, run):
        monkeypatch.setattr(module, "call_in_child", lambda function, *given: function(*given))

    def given(work: Work, stages: dict[str, Any], *words: str, **more: Any) -> int:
        monkeypatch.setattr(run_job, "run_in_subprocess", work)
        whole = {
            name: {**body, "settings": {**SMALL, **body.get("settings", {})}}
            for name, body in stages.items()
        }
        folder = conf(whole, **more)
        defaults = [f"data.root={sample_root}"] if not any("data.root" in w for w in words) else []
        return main(["train", "--config-dir", str(folder), "recipe=mine", *defaults, *words])

    return given


def _plain(request: TrainRequest) -> Any:
    from omegaconf import OmegaConf

    return OmegaConf.to_container(request.config, resolve=True)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
