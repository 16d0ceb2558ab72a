"""The wheel carries all that using needs, asks for no torch, and works from wherever it is."""

import email.message
import re
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRAINING = {"torch", "torchvision", "pytorch-lightning", "timm", "albumentations", "hydra-core"}
DEVELOPING = {"ruff", "mypy", "pytest", "onnx", "build", "hatchling"}
LEFT_OUT = {"__pycache__", "node_modules"}


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> email.message.Message:
    archive = zipfile.ZipFile(wheel)
    (path,) = [name for name in archive.namelist() if name.endswith("METADATA")]
    return Parser().parsestr(archive.read(path).decode())


def requirement(line: str) -> str:
    return re.split(r"[^\w.-]", line)[0].lower()


def test_it_holds_every_config(names: set[str]) -> None:
    configs = {f"humanseg/{path.relative_to(ROOT)}" for path in (ROOT / "conf").rglob("*.yaml")}
    assert configs and configs <= names


def test_it_holds_every_file_of_the_package(names: set[str]) -> None:
    # Code, templates, the model and the page that ship: also what was built and is not tracked.
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "humanseg").rglob("*")
        if path.is_file() and not LEFT_OUT & set(path.parts)
    }
    assert {"humanseg/cli/main.py", "humanseg/pages/templates/base.html"} <= package
    assert package <= names


def test_it_holds_nothing_else(names: set[str]) -> None:
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"humanseg"}
    assert [name for name in names if LEFT_OUT & set(name.split("/"))] == []


def test_it_asks_for_torch_only_with_an_extra(metadata: email.message.Message) -> None:
    lines = metadata.get_all("Requires-Dist", [])
    base = {requirement(line) for line in lines if "extra ==" not in line}
    train = {requirement(line) for line in lines if "extra == 'train'" in line}
    assert {"numpy", "pillow", "onnxruntime", "av"} <= base
    assert not base & (TRAINING | DEVELOPING)
    assert train >= TRAINING
    assert not train & base


def test_it_states_its_licence_and_brings_the_notices(
    names: set[str], metadata: email.message.Message
) -> None:
    assert metadata["License-Expression"] == "MIT"
    for file in metadata.get_all("License-File", []):
        assert any(name.endswith(f".dist-info/licenses/{file}") for name in names)
    assert "THIRD_PARTY_NOTICES.md" in metadata.get_all("License-File", [])


def test_unpacked_it_finds_its_own_configs(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
        "from humanseg.config.find import conf_folder; print(conf_folder())\n"
        "from humanseg.cli.main import main; sys.exit(main(['train', '--cfg', 'job']))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(str(tmp_path / "site" / "humanseg" / "conf"))
    assert "optimizer:" in run.stdout
