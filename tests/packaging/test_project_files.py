"""What stands around the code: workflows, hooks, templates, the citation, the changelog."""

import ast
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import humanseg
from humanseg.cli.main import RENAMED
from humanseg.config.renames import KEYS, OPTIONS
from humanseg.sweeps.launch import EXTRAS as LAUNCHER_EXTRAS

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
TEMPLATES = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TARGETS = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps(workflow: Any) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def commands(path: Path) -> list[list[str]]:
    return [step["run"].split() for step in steps(read(path)) if "run" in step]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_one_that_github_understands(path: Path) -> None:
    workflow = read(path)
    # YAML reads the bare word `on` as True.
    assert workflow["name"] and workflow[True]
    for job in workflow["jobs"].values():
        assert job["runs-on"]
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            assert re.fullmatch(r"actions/[\w-]+@v\d+", step.get("uses", "actions/x@v1"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_calls_what_there_is(path: Path) -> None:
    for program, *words in commands(path):
        if program == "make":
            assert set(words) <= set(TARGETS[0].split()), words
        elif words[0] != "-m":
            assert program == "python" and (ROOT / words[0]).is_file(), words


def test_the_workflows_try_every_python_that_is_promised() -> None:
    promised = [line for line in PROJECT["classifiers"] if re.search(r"Python :: 3\.\d", line)]
    matrix = read(ROOT / ".github/workflows/tests.yml")["jobs"]["tests"]["strategy"]["matrix"]
    assert [line.rsplit(" ", 1)[1] for line in promised] == matrix["python"]
    assert PROJECT["requires-python"] == f">={matrix['python'][0]}"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_an_issue_template_asks_for_something(path: Path) -> None:
    template = read(path)
    if path.name != "config.yml":
        assert template["name"] and template["description"]
        ids = [field["id"] for field in template["body"]]
        assert len(ids) == len(set(ids)) >= 3
        assert all(field["attributes"]["label"] for field in template["body"])


def test_the_hooks_run_tools_of_this_environment() -> None:
    # Hooks that pre-commit fetches itself would be other versions than those of make test.
    for repository in read(ROOT / ".pre-commit-config.yaml")["repos"]:
        assert repository["repo"] == "local"
        for hook in repository["hooks"]:
            program = Path(hook["entry"].split()[0])
            assert program.parent == Path(".venv/bin") and hook["language"] == "system"
            tools = [
                re.split(r"[^\w.-]", line)[0] for line in PROJECT["optional-dependencies"]["dev"]
            ]
            assert program.name in [*tools, "python"]


def test_a_version_stands_in_one_place_and_is_repeated_right() -> None:
    assert PROJECT["dynamic"] == ["version"]
    assert read(ROOT / "CITATION.cff")["version"] == humanseg.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## \[(\d[\w.]*)\]", changelog, re.M)
    assert released[0] == humanseg.__version__
    assert released == sorted(released, reverse=True)


def test_the_changelog_names_every_spelling_that_is_deprecated() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    renamed = {**KEYS, **{f"humanseg {old}": f"humanseg {new}" for old, new in RENAMED.items()}}
    for group, names in OPTIONS.items():
        renamed |= {f"{group}={old}": f"{group}={new}" for old, new in names.items()}
    for old, new in renamed.items():
        assert f"| `{old}` | `{new}` |" in changelog


def test_types_are_promised_by_a_marker() -> None:
    # PEP 561: without it, type checkers look at nothing in an installed package.
    assert (ROOT / "humanseg/py.typed").read_bytes() == b""
    assert "Typing :: Typed" in PROJECT["classifiers"]


ARCHITECTURE = (ROOT / "docs/explanation/architecture.md").read_text(encoding="utf-8")


def first_cells(header: str) -> set[str]:
    """Return what the rows of a table of the architecture begin with."""
    rows = ARCHITECTURE.split(f"\n{header}\n", 1)[1].split("\n\n", 1)[0].splitlines()[1:]
    return {re.match(r"\| `([\w/]+)`", row)[1] for row in rows}  # type: ignore[index]


def test_the_architecture_names_every_room_and_no_other() -> None:
    modules = (ROOT / "humanseg").glob("[a-z]*.py")
    packages = (path.parent for path in (ROOT / "humanseg").glob("*/__init__.py"))
    rooms = {path.stem for path in modules} | {path.name for path in packages}
    assert first_cells("| room | holds |") == rooms


def test_the_architecture_names_folders_that_there_are() -> None:
    assert all((ROOT / name).is_dir() for name in first_cells("| folder | holds |"))
    for path in re.findall(r"`((?:humanseg|tests|conf)/[\w/.]+)`", ARCHITECTURE):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "README.md", "CHANGELOG.md"])
def test_every_make_target_that_is_named_exists(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    named = re.findall(r"(?:^|`)make ([a-z][a-z-]*(?: [a-z][a-z-]+)*)", text, re.M)
    assert {word for words in named for word in words.split()} <= set(TARGETS[0].split())


EXTRAS = {
    extra: {re.split(r"[^\w.-]", line)[0] for line in lines}
    for extra, lines in PROJECT["optional-dependencies"].items()
}


def test_every_extra_that_is_named_exists() -> None:
    # "humanseg[train,dashboard]" of a message, ".[train]" of a document, a launcher's of a config.
    pattern = re.compile(r"(?:humanseg|[\"'(]\.)\[([\w,-]+)\]")
    files = [
        path
        for folder in ("humanseg", "conf", "docs", "scripts")
        for path in (ROOT / folder).rglob("*")
    ]
    texts = [
        path for path in [*files, *ROOT.glob("*.md")] if path.suffix in (".py", ".yaml", ".md")
    ]
    # The shell of Windows takes the other quotes for a part of the name.
    assert not any("'humanseg[" in path.read_text(encoding="utf-8") for path in texts)
    named = {
        extra
        for path in texts
        for extras in pattern.findall(path.read_text(encoding="utf-8"))
        for extra in extras.split(",")
    }
    assert {"train", "dashboard", "joblib", "ray", "submitit"} <= named <= set(EXTRAS)


def imported_by(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []


def test_the_extra_that_a_message_names_brings_what_is_missing() -> None:
    for plugin, extra in LAUNCHER_EXTRAS.items():
        assert plugin.rpartition(".")[2].replace("_", "-") in EXTRAS[extra]
    # What humanseg compare --wandb asks for, by their modules.
    assert {"wandb", "wandb-workspaces"} <= EXTRAS["train"] | EXTRAS["dashboard"]
    # Whatever else is missing, training is said to bring it; on its own or by what it needs.
    needed = {"hydra": "hydra-core", "yaml": "omegaconf", "sqlalchemy": "optuna"}
    needed |= {"PIL": "pillow", "cv2": "opencv-python-headless", "huggingface_hub": "timm"}
    needed |= {"lightning_fabric": "pytorch-lightning"}
    brought = {re.split(r"[^\w.-]", line)[0] for line in PROJECT["dependencies"]} | EXTRAS["train"]
    imported = {
        name.split(".")[0]
        for path in (ROOT / "humanseg").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in imported_by(node)
    }
    missing = {
        name
        for name in imported - sys.stdlib_module_names - {"humanseg"}
        if needed.get(name, name.replace("_", "-")) not in brought
    }
    assert missing <= {"wandb_workspaces", "pillow_heif"}, "these have messages of their own"
