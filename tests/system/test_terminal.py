import pytest

from humanseg.system.terminal import console


@pytest.mark.parametrize("path", ["runs/logger=[csv]", "photos/[/old]/x", "a:smile:b"])
def test_paths_stand_as_they_are(path: str) -> None:
    with console.capture() as capture:
        console.print(f"run     {path}")
    assert capture.get() == f"run     {path}\n"
