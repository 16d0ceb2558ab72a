"""Arrows between rooms go one way: read from the imports."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "humanseg"

ROOMS: dict[str, set[str]] = {
    "errors": set(),
    "system": {"errors"},
    "io": {"errors", "system"},
    "config": {"errors", "io"},
    "losses": {"errors", "config"},
    "metrics": {"errors", "io"},
    "pages": {"errors", "io"},
    "data": {"errors", "system", "io", "config", "pages"},
    "runs": {"errors", "system", "io", "config", "metrics", "pages"},
    "models": {"errors", "system", "io", "config", "runs"},
    "submission": {"errors", "io", "metrics", "data", "runs"},
    "evaluation": {
        *("errors", "io", "config", "metrics", "pages", "data", "runs", "models", "submission"),
        "inference",
    },
    # A training ends in the evaluation of its best checkpoint.
    "training": {
        *("errors", "system", "io", "config", "losses", "metrics", "pages", "data", "runs"),
        # An exported model may be a teacher.
        *("models", "submission", "evaluation", "inference"),
    },
    # Many trainings as one command; a training knows nothing of the others.
    "sweeps": {"errors", "system", "io", "config", "data", "runs", "models", "training"},
    "compare": {"errors", "system", "io", "config", "metrics", "pages", "runs"},
    "exporting": {
        *("errors", "system", "io", "config", "metrics", "pages", "data", "runs", "models"),
        # Of a checkpoint that somebody wants to use, it makes the file that inference takes.
        *("evaluation", "training", "inference", "__version__"),
    },
    # Trainings in order, each from what others left; at the end stands an exported model.
    "recipes": {
        *("errors", "system", "io", "config", "metrics", "data", "runs", "training", "sweeps"),
        *("compare", "exporting"),
    },
    # It takes a run by the ONNX file in its folder.
    "inference": {"errors", "system", "io", "pages", "runs"},
    "demo": {"errors", "io", "pages", "inference"},
    "cli": {
        *("errors", "system", "io", "config", "metrics", "pages", "data", "runs", "submission"),
        *(
            "models",
            "evaluation",
            "training",
            "sweeps",
            "recipes",
            "compare",
            "exporting",
            "inference",
            "demo",
            "api",
        ),
    },
    "__main__": {"cli"},
    "api": {
        "errors",
        "config",
        "data",
        "evaluation",
        "exporting",
        "inference",
        "recipes",
        "runs",
        "sweeps",
        "training",
    },
    "__init__": {"api", "system"},
}
"""What each room may import, besides itself."""
TRAINING_ONLY = {"torch", "torchvision", "pytorch_lightning", "torchmetrics", "timm", "hydra"}
WITHOUT_TORCH = {
    *("errors", "system", "io", "pages", "runs", "submission", "compare", "inference", "demo"),
}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Yield the dotted name of all that a file imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_follow_the_arrows(path: Path) -> None:
    room = room_of(path)
    assert room in ROOMS, f"{room} is a new room: say here what it may know"
    for name in imports(path):
        parts = name.split(".")
        assert parts[0] != "research", f"{room} may not know what builds the report"
        if parts[0] == "humanseg" and len(parts) > 1 and parts[1] != "__version__":
            assert parts[1] in ROOMS[room] | {room}, f"{room} may not know {parts[1]}"
        if room in WITHOUT_TORCH:
            assert parts[0] not in TRAINING_ONLY, f"{room} works without {parts[0]}"


def test_the_rooms_make_no_circle() -> None:
    left = {room: set(known) for room, known in ROOMS.items()}
    while free := [room for room, known in left.items() if not known & left.keys()]:
        for room in free:
            del left[room]
    assert not left


def test_the_columns_of_the_architecture_follow_the_arrows() -> None:
    text = (PACKAGE.parent / "docs/explanation/architecture.md").read_text(encoding="utf-8")
    columns = text.split("```text\n", 1)[1].split("```", 1)[0].split("<-")
    passed = {"__version__"}
    for column in columns:
        rooms = re.findall(r"\w+", column)
        assert [room for room in rooms if not ROOMS[room] <= passed] == []
        passed |= set(rooms)
    assert passed == {"__version__", *ROOMS} - {"__main__", "__init__"}
