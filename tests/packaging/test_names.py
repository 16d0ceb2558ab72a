"""One thing has one name, and one name means one thing, across all modules of the package."""

import ast
from collections import defaultdict
from pathlib import Path

import humanseg

PACKAGE = Path(humanseg.__file__).parent

API = PACKAGE / "api"
"""Its functions call those of the rooms, and are called what these are."""

SHARED = {"configure", "run", "main"}
"""What every module of a kind has: the commands of `humanseg.cli`, and programs of their own."""


def names_of_several_modules() -> dict[str, list[str]]:
    """Return the classes and public functions that several modules define, and these modules."""
    modules = defaultdict(list)
    for path in sorted({*PACKAGE.rglob("*.py")} - {*API.rglob("*.py")}):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if not node.name.startswith("_") and node.name not in SHARED:
                modules[node.name].append(path.relative_to(PACKAGE).as_posix())
    return {name: paths for name, paths in modules.items() if len(paths) > 1}


def test_no_two_modules_define_a_class_or_public_function_of_one_name() -> None:
    assert names_of_several_modules() == {}
