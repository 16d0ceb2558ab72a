"""What the repository's files may not hold, and what its lock must."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, GROUPS = PYPROJECT["project"], PYPROJECT["dependency-groups"]
LOCKS = ("requirements-train.lock", "requirements.lock")
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


def pins(name: str) -> list[str]:
    """Return what a lock pins, as NAME==VERSION; a name twice where platforms differ."""
    return re.findall(r"^[\w.-]+==\S+", (ROOT / name).read_text(encoding="utf-8"), re.M)


def wanted(*lists: list[str]) -> set[str]:
    return {re.split(r"[^\w.-]", line)[0].lower() for lines in lists for line in lines}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_and_hashes_everything_and_holds_no_address(name: str) -> None:
    lock = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in lock and "--index" not in lock
    entries = re.split(r"\n(?=\S)", lock.strip())
    for entry in entries:
        assert re.match(r"[\w.-]+==\S+", entry), entry.splitlines()[0]
        assert "--hash=sha256:" in entry, entry.splitlines()[0]


def test_the_locks_hold_every_dependency() -> None:
    extras = PROJECT["optional-dependencies"]
    trains = wanted(PROJECT["dependencies"], extras["train"], GROUPS["build"])
    locked = [{pin.split("==")[0].lower() for pin in pins(name)} for name in LOCKS]
    assert trains <= locked[0]
    assert trains | wanted(*extras.values()) <= locked[1]


def test_what_trains_is_a_part_of_the_whole() -> None:
    # The second lock is installed over the first: nothing may change its version.
    assert set(pins(LOCKS[0])) <= set(pins(LOCKS[1]))


def test_what_trains_holds_no_tool_of_developers_and_no_launcher() -> None:
    others = {
        "ruff",
        "mypy",
        "pytest",
        "hypothesis",
        "playwright",
        "nbclient",
        "ipykernel",
        "build",
    }
    others |= {"ray", "joblib", "submitit", "wandb-workspaces", "hydra-ray-launcher"}
    assert not others & {pin.split("==")[0].lower() for pin in pins(LOCKS[0])}


def test_using_a_model_needs_no_torch() -> None:
    names = {re.split(r"[^\w.-]", line)[0] for line in PROJECT["dependencies"]}
    assert not names & {"torch", "torchvision", "pytorch-lightning", "timm", "albumentations"}
    assert "onnxruntime" in names
