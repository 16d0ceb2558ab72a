"""What the documentation tells a person to write: a package, and configs."""

from pathlib import Path

import pytest

from tests.docs.documents import BLOCKS


@pytest.fixture(scope="session")
def own_conf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the configs that the documentation tells a person to add, and the package."""
    folder = tmp_path_factory.mktemp("conf")
    texts = {
        block.mark.removeprefix("config of: "): block.code
        for block in BLOCKS
        if block.mark.startswith("config of: ")
    }
    texts["experiment"] = "# @package _global_\nseed: 7\n"
    for group, text in texts.items():
        (folder / group).mkdir()
        (folder / group / "mine.yaml").write_text(text, encoding="utf-8")
    package = folder / "my_package"
    package.mkdir()
    code = [block.code for block in BLOCKS if block.mark == "run with: my_package"]
    (package / "__init__.py").write_text("\n\n".join(code), encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def own_package(own_conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let configs name the package."""
    monkeypatch.syspath_prepend(str(own_conf))
    monkeypatch.setenv("HUMANSEG_PACKAGES", "my_package")
