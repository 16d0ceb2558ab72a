"""The command line: what people see, and how it ends."""

import errno
import importlib
import re
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from humanseg import __version__
from humanseg.cli.main import COMMANDS, RENAMED, command_module, main
from humanseg.errors import HumansegError, Refused


@pytest.fixture
def entry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """A training that does what the test wants, in an empty working folder."""
    module = ModuleType("humanseg.training.train")
    monkeypatch.setitem(sys.modules, "humanseg.training.train", module)
    module.train_request = lambda request: (  # type: ignore[attr-defined]
        request.folder,
        module.train(request.config),
    )
    # There is no data here, and none is needed.
    monkeypatch.setattr("humanseg.training.preflight.paths.require_paths", lambda config: None)
    monkeypatch.chdir(tmp_path)
    return module


def recording(seen: list[Any]) -> Callable[[Any], float]:
    def train(config: Any) -> float:
        seen.append(config)
        return 0.5

    return train


def run(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "humanseg", *words], capture_output=True, text=True, **options
    )


def test_version_and_module() -> None:
    assert run("--version").stdout == f"humanseg {__version__}\n"


def test_the_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    for name in COMMANDS:
        assert re.search(rf"^    {name}\s", shown, re.M), name


def test_the_help_of_train_lists_groups_values_and_flags(tmp_path: Path) -> None:
    shown = run("train", "--help", cwd=tmp_path).stdout
    assert "model: " in shown and "pspnet, " in shown
    for words in ("data.root=", "resume=", "--config-dir", "-m, --multirun", "experiment="):
        assert words in shown
    assert not list(tmp_path.iterdir())


def test_the_help_of_train_lists_groups_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").touch()
    for words in (["--config-dir", "."], ["-cd", "."], [f"--config-dir={tmp_path}"]):
        shown = run("train", *words, "--help", cwd=tmp_path).stdout
        (line,) = [line for line in shown.splitlines() if line.startswith("experiment: ")]
        assert "mine, " in line and "tiny" in line


@pytest.mark.parametrize("words", [["--help"], ["train", "--help"]], ids=" ".join)
def test_help_answers_at_once(words: list[str], tmp_path: Path) -> None:
    # Seconds of the processor: those on the wall depend on what else the machine does.
    spent = []
    for _ in range(3):
        begin = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert run(*words, cwd=tmp_path).returncode == 0
        end = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime)
    assert min(spent) < 1


def test_train_hands_the_composed_config_over(entry: ModuleType, tmp_path: Path) -> None:
    seen: list[Any] = []
    entry.train = recording(seen)  # type: ignore[attr-defined]
    before = list(sys.argv)
    assert main(["train", "model=pspnet", "optimizer.lr=0.25", "seed=7"]) == 0
    (config,) = seen
    assert config.model._target_ == "humanseg.models.PSPNet"
    assert (config.optimizer.lr, config.seed) == (0.25, 7)
    assert "hydra" not in config
    assert sys.argv == before
    assert not list(tmp_path.iterdir()), "Hydra wrote files of its own"


def test_experiments_of_ones_own_are_found(entry: ModuleType, tmp_path: Path) -> None:
    seen: list[Any] = []
    entry.train = recording(seen)  # type: ignore[attr-defined]
    (tmp_path / "mine/experiment").mkdir(parents=True)
    (tmp_path / "mine/experiment/first.yaml").write_text("# @package _global_\nseed: 77\n")
    assert main(["train", "--config-dir", "mine", "experiment=first"]) == 0
    assert [config.seed for config in seen] == [77]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model=unett"], "model=unett: there is no such model, did you mean unet? There are:"),
        (["logger=[csv,wandbb]"], "logger=wandbb: there is no such logger, did you mean wandb?"),
        (["experiment=nothing"], "experiment=nothing: there is no such experiment"),
        (["-m", "model=unet,pspnett"], "model=pspnett: there is no such model, did you mean psp"),
        (["modle=unet"], "modle: there is no such key, did you mean model?"),
        (["optimizer.lrr=3"], "optimizer.lrr: there is no such key, did you mean optimizer.lr?"),
        (["model.foo.bar=3"], "model.foo.bar: there is no such key"),
        (
            ["-m", "backbone=resnet18,resnet34", "backbone.weights=none"],
            "Where a sweep chooses the backbone, write ++backbone.weights=…",
        ),
        (["optimizer.lr=[1"], "optimizer.lr=[1: this is not key=value"),
        (["foo"], "foo: this is not key=value"),
        ([], "Which photos? humanseg train data.root=photos (or --data photos)"),
        (["--data"], "--data needs the folder"),
        (["."], "humanseg train --data . (or data.root=.)"),
        (["some/photos"], "humanseg train --data some/photos"),
        (["optimizer=null"], "optimizer=null: "),
        (["--config-dir", "nowhere", "seed=1"], "nowhere' not found"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) and value else "",
)
def test_a_wrong_command_line_is_one_paragraph(
    entry: ModuleType, capsys: pytest.CaptureFixture[str], words: Sequence[str], message: str
) -> None:
    assert main(["train", *words]) == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert shown.err.count("\n") == 1 and "Traceback" not in shown.err
    assert shown.out == ""


def failing(error: BaseException) -> Any:
    def train(config: Any) -> float:
        raise error

    return train


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (HumansegError("The masks are missing."), 2, "The masks are missing.\n"),
        (Refused("The data differ."), 3, "The data differ.\n"),
        (KeyboardInterrupt(), 130, "Stopped by SIGINT.\n"),
        (MemoryError(), 2, "Lower data.batch_size, data.workers or the size that the"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), 2, "data.batch_size"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: tried"), 2, "data.batch_size"),
        (Exception("OpenCV(4.1) (-4:Insufficient memory) Failed to"), 2, "data.batch_size"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), 2, "data.batch_size"),
        (OSError(errno.ENOSPC, "No space left", "log.csv"), 2, "Cannot write log.csv: the disk is"),
        (
            RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. "),
            2,
            "data.workers",
        ),
        (ModuleNotFoundError("no torch", name="torch"), 2, "humanseg[train]"),
        (ModuleNotFoundError("no fcntl", name="fcntl"), 2, "module fcntl, which this system"),
        (
            ImportError("libGL.so.1: cannot open shared object file", name="cv2"),
            2,
            "cv2 is installed, but cannot be loaded (libGL.so.1: cannot open shared",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_errors_end_in_a_paragraph_and_their_exit_code(
    entry: ModuleType,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
    message: str,
) -> None:
    monkeypatch.delenv("HUMANSEG_DEBUG", raising=False)
    entry.train = failing(error)  # type: ignore[attr-defined]
    assert main(["train", "seed=1"]) == code
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1, "Hydra or Python said more"


def test_debug_shows_where_it_happened(
    entry: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUMANSEG_DEBUG", "1")
    entry.train = failing(HumansegError("The masks are missing."))  # type: ignore[attr-defined]
    assert main(["train", "seed=1"]) == 2
    shown = capsys.readouterr().err
    assert "Traceback" in shown and "test_main.py" in shown
    assert shown.endswith("The masks are missing.\n")


def test_a_fault_of_the_program_keeps_its_traceback(entry: ModuleType) -> None:
    entry.train = failing(ZeroDivisionError("fault"))  # type: ignore[attr-defined]
    with pytest.raises(ZeroDivisionError):
        main(["train", "seed=1"])


def test_sample_is_written_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "letter.txt").write_text("mine")
    assert main(["sample", str(other)]) == 2
    assert "letter.txt" not in capsys.readouterr().out
    assert (other / "letter.txt").read_text() == "mine"


@pytest.mark.parametrize("words", [["check", "nowhere"], ["score", "no.csv", "--data", "nowhere"]])
def test_a_missing_path_is_one_paragraph(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    shown = capsys.readouterr().err
    # Of two that are missing, either is named.
    assert shown.count("\n") == 1 and ("nowhere" in shown or "no.csv" in shown)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trian"], "humanseg trian: there is no such command, did you mean train?"),
        (["x"], "there is no such command. The commands are train, evaluate,"),
        (["--verison"], "there is no option --verison, did you mean --version?"),
        (["score", "--dta", "x", "c.csv"], "--dta, did you mean --data?"),
        (["predict", "--overwritte", "a.jpg"], "--overwritte, did you mean --overwrite?"),
        (["score", "c.csv", "--data", "x", "--split", "vald"], "no vald, did you mean valid?"),
        (["evaluate"], "required: MODEL"),
        (["evaluate", "run", "--threshold", "2"], "2 is not between 0 and 1"),
        (["evaluate", "r", "--threshold", "half"], "half is not between 0 and 1"),
        (["predict", "a.jpg", "--model", ""], "--model: the path is empty: name a file or folder"),
        (["predict", "a.jpg", "--min-area", "1"], "1 is not a number from 0 to below 1"),
        (["predict", ""], "A path is empty: name photos"),
        (["evaluate", ""], "MODEL: the path is empty"),
        (["check", "a", "b"], "humanseg check: unrecognized arguments: b. See humanseg check"),
        (["sample", "new", "--seed", "-1"], "-1 is not a whole number from 0 up"),
        (["score", "."], "is a folder: name a CSV file"),
        (["."], "to find the people in it: humanseg predict ."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_words_are_one_paragraph_that_says_what_was_meant(
    capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    try:
        code = main(words)
    except SystemExit as caught:
        assert isinstance(caught.code, int)
        code = caught.code
    shown = capsys.readouterr()
    assert (code, shown.out) == (2, "")
    assert message in shown.err and shown.err.count("\n") == 1


def test_the_beginning_of_an_option_will_do(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["score", "no.csv", "--dat", "nowhere"]) == 2


@pytest.mark.parametrize("old", RENAMED)
def test_a_renamed_command_still_works_and_names_the_new_one(
    old: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = command_module(RENAMED[old])
    monkeypatch.setattr(module, "run", lambda arguments: 0)
    assert main([old]) == 0
    shown = capsys.readouterr().err
    assert f"humanseg {RENAMED[old]}" in shown and shown.count("\n") == 1


def test_every_command_is_a_file_of_its_own() -> None:
    for name in COMMANDS:
        assert callable(command_module(name).run)


def test_the_command_can_be_imported_from_the_package() -> None:
    # What 0.1 installed as `humanseg` calls it there.
    assert importlib.import_module("humanseg.cli").main is main


@pytest.mark.parametrize("words", [["check"], ["check", "a", "--data", "b"]])
def test_check_takes_one_folder(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert "the folder of the photos, once" in capsys.readouterr().err


def test_check_takes_its_folder_as_other_commands_do(
    sample_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(sample_root)]) == 0
    by_position = capsys.readouterr().out
    assert main(["check", "--data", str(sample_root)]) == 0
    assert capsys.readouterr().out == by_position


def test_humanseg_alone_prints_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    alone = capsys.readouterr()
    assert "\n    predict " in alone.out and not alone.err
    assert main(["help"]) == 0
    assert capsys.readouterr().out == alone.out


@pytest.mark.parametrize(
    "words",
    [
        ["evaluate", "nowhere"],
        ["evaluate", "run", "--data", "nowhere"],
        ["export", "nowhere"],
        ["export", "run", "--data", "nowhere"],
        ["train", "data.root=nowhere"],
        ["train", "resume=nowhere"],
        ["train", "init_from=nowhere", "data.root=data"],
        ["train", "distillation.teachers=[nowhere]", "data.root=data"],
        ["train", "backbone=resnet18", "backbone.weights=nowhere", "data.root=data"],
        ["train", "run_dir=data/nowhere/.."],
    ],
    ids=" ".join,
)
def test_a_path_that_leads_nowhere_is_answered_without_torch(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "letter.txt").touch()
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    (run / "checkpoints" / "best.ckpt").touch()
    (run / "config.yaml").write_text("data: {root: data}\n")
    # None in sys.modules: an import of it fails.
    for module in ("entry", "evaluation"):
        monkeypatch.setitem(sys.modules, f"humanseg.training.{module}", None)
    assert main(words) == 2
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1
    assert "nowhere" in shown or "holds files that are not a run" in shown
