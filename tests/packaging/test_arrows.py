"""Arrows between rooms go one way: read from the imports."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "humanseg"

GROUND = {
    "errors",
    "files",
    "memory",
    "network",
    "partials",
    "progress",
    "task",
    "images",
    "notices",
    "pages",
    "runs",
    "postprocess",
    "sizes",
    "streams",
    "suffixes",
}
MODELLING = {"data", "losses", "metrics", "models"}
ROOMS: dict[str, set[str]] = {
    "errors": set(),
    "memory": set(),
    "network": set(),
    "partials": set(),
    "files": {"errors", "partials"},
    "task": {"errors", "files"},
    "comments": {"decoding"},
    "levels": {"decoding"},
    "postprocess": set(),
    "profiles": set(),
    "sizes": set(),
    "suffixes": set(),
    "progress": set(),
    "notices": set(),
    "decoding": {"errors", "notices", "profiles"},
    "images": {"comments", "errors", "files", "decoding", "levels", "notices"},
    "submission": GROUND | {"data"},
    "pages": {"errors", "files", "task", "images"},
    "runs": {"errors", "files", "partials", "task", "images", "pages"},
    "config": {"errors", "files"},
    "data": GROUND | {"config"},
    "losses": GROUND,
    "metrics": GROUND,
    "models": GROUND,
    # What went wrong, in words: a run's summary holds it, a command prints it.
    "explain": {"errors", "files", "config"},
    "training": GROUND | MODELLING | {"config", "explain"},
    # Many trainings as one command; a training knows nothing of the others.
    "sweeps": GROUND | MODELLING | {"config", "explain", "training"},
    "export": GROUND | MODELLING | {"config", "training"},
    "inference": {
        "comments",
        "errors",
        "files",
        "task",
        "images",
        "notices",
        "pages",
        "postprocess",
        "sizes",
        "suffixes",
        "partials",
    },
    # The leaderboard in wandb; as free of torch as the one on disk.
    "dashboard": {"errors", "network", "runs"},
    "demo": {"errors", "files", "pages", "inference"},
    # What is known of runs and data, told; the few functions that measure photos know `data`.
    "report": GROUND | {"config", "data"},
    "commands": GROUND
    | {"config", "data", "training", "export", "inference", "dashboard", "demo", "report"},
    "cli": GROUND
    | MODELLING
    | {
        "config",
        "explain",
        "training",
        "sweeps",
        "export",
        "inference",
        "submission",
        "commands",
    },
    "__main__": {"cli"},
    "telemetry": set(),
    "streams": set(),
    "__init__": {"inference", "telemetry"},
}
TRAINING_ONLY = {"torch", "torchvision", "pytorch_lightning", "torchmetrics", "timm", "hydra"}
WITHOUT_TORCH = GROUND | {"submission", "inference", "dashboard", "demo", "report"}


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
