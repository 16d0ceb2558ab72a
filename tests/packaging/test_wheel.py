"""The wheel carries configs and pages, and finds them from wherever it lies."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_every_config_and_template(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    configs = {f"humanseg/{path.relative_to(ROOT)}" for path in (ROOT / "conf").rglob("*.yaml")}
    assert configs and configs <= names
    package = ROOT / "humanseg"
    others = {
        path.relative_to(ROOT).as_posix()
        for path in package.rglob("*")
        if path.is_file() and path.suffix in {".html", ".css", ".js", ".py"}
    }
    assert others <= names


def test_the_wheel_asks_for_torch_only_with_train(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (metadata,) = [name for name in archive.namelist() if name.endswith("METADATA")]
    lines = archive.read(metadata).decode().splitlines()
    torch = [line for line in lines if line.startswith("Requires-Dist: torch>")]
    assert torch and all("extra == 'train'" in line for line in torch)
    assert "License-Expression: MIT" in lines


def test_an_unpacked_wheel_finds_its_own_configs(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
        "from humanseg.config import conf_folder; print(conf_folder())\n"
        "from humanseg.cli import main; sys.exit(main(['train', '--cfg', 'job']))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(str(tmp_path / "site" / "humanseg" / "conf"))
    assert "optimizer:" in run.stdout
