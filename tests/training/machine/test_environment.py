import platform
import resource
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from humanseg import __version__
from humanseg.system import memory
from humanseg.training.machine import environment


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of one commit, where the code is said to run from."""
    root = tmp_path / "checkout"
    (root / "humanseg" / "training").mkdir(parents=True)
    (root / "code.py").write_text("1\n")
    for arguments in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "first"],
    ):
        subprocess.run(["git", "-C", str(root), *arguments], check=True)
    monkeypatch.setattr(environment, "__file__", str(root / "humanseg" / "training" / "facts.py"))
    return root


def test_the_commit_is_that_of_the_code_not_of_the_working_folder(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    commit = environment.git_commit()
    assert commit is not None and len(commit) == 40
    (checkout / "new.txt").write_text("untracked files change no code\n")
    assert environment.git_commit() == commit
    (checkout / "code.py").write_text("2\n")
    assert environment.git_commit() == commit + "+"


def test_without_git_there_is_no_commit(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert environment.git_commit() is None


@pytest.mark.parametrize(
    "error", [subprocess.TimeoutExpired("git", 10), subprocess.CalledProcessError(128, "git")]
)
def test_a_git_that_fails_or_hangs_stops_nothing(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(subprocess, "run", fail)
    assert environment.git_commit() is None


def test_an_installed_package_has_no_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "__file__", str(tmp_path / "a" / "b" / "facts.py"))
    assert environment.git_commit() is None


def test_versions_are_those_that_run() -> None:
    versions = environment.versions()
    assert versions["torch"] == torch.__version__.split("+")[0]
    assert versions["numpy"] == np.__version__
    assert set(versions) >= {"python", "humanseg", "pytorch-lightning", "timm", "albumentations"}


def test_a_device_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.device_name("cpu")
    assert "mps" in environment.device_name("mps")
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA T4")
    assert environment.device_name("cuda") == "NVIDIA T4"


@pytest.mark.parametrize(("platform", "counted"), [("linux", 2_000_000), ("darwin", 2_048_000_000)])
def test_peak_memory_is_in_megabytes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, platform: str, counted: int
) -> None:
    class Usage:
        ru_maxrss = counted

    # As where there is no /proc/self/status.
    monkeypatch.setattr(memory, "Path", lambda _: tmp_path / "missing")
    monkeypatch.setattr(resource, "getrusage", lambda _: Usage)
    monkeypatch.setattr(sys, "platform", platform)
    assert environment.peak_memory_mb("cpu") == pytest.approx(2048)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 3_000_000)
    assert environment.peak_memory_mb("cuda") == pytest.approx(3)


def test_a_clone_that_is_not_installed_has_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str) -> str:
        if name == "humanseg":
            raise PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr(environment, "version", find)
    assert environment.versions() == dict.fromkeys(environment.PACKAGES, "1.0") | {
        "python": platform.python_version(),
        "humanseg": __version__,
    }
