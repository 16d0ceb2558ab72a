"""What the repository's files may not hold, and what its lock must."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Put together here so that this file does not hold them itself.
MACHINE_PATHS = re.compile("|".join(("/" + "home/", "/" + "root/", "/" + "work/", "/" + "Users/")))
REGISTRIES = re.compile("|".join(("pypi" + r"\.org", "python" + "hosted", "npmjs" + r"\.")))


def tracked() -> list[Path]:
    found = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if found.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in found.stdout.split("\0") if name]


@pytest.mark.parametrize("pattern", [MACHINE_PATHS, REGISTRIES], ids=["paths", "registries"])
def test_no_tracked_file_names_a_machine_or_a_registry(pattern: re.Pattern[str]) -> None:
    found = []
    for path in tracked():
        if not path.is_file():
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {hit[0]}" for hit in pattern.finditer(text)]
    assert found == []


def test_the_lock_pins_and_hashes_everything_and_holds_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock and "--index" not in lock
    entries = re.split(r"\n(?=\S)", lock.strip())
    for entry in entries:
        assert re.match(r"[\w.-]+==\S+", entry), entry.splitlines()[0]
        assert "--hash=sha256:" in entry, entry.splitlines()[0]


def test_the_lock_holds_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    wanted = {re.split(r"[^\w.-]", line)[0].lower() for group in groups for line in group}
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert wanted <= {name.lower() for name in re.findall(r"^([\w.-]+)==", lock, re.M)}


def test_using_a_model_needs_no_torch() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[^\w.-]", line)[0] for line in project["dependencies"]}
    assert not names & {"torch", "torchvision", "pytorch-lightning", "timm", "albumentations"}
    assert "onnxruntime" in names
