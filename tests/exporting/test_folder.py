from pathlib import Path

import pytest

from humanseg.errors import HumansegError
from humanseg.exporting.folder import require_export_folder
from humanseg.io.files import whole_folder


def make_export(folder: Path) -> Path:
    folder.mkdir()
    (folder / "manifest.json").write_text('{"format": 1}')
    (folder / "model.onnx").write_text("old")
    return folder


def test_a_new_or_empty_folder_is_free(tmp_path: Path) -> None:
    require_export_folder(tmp_path / "new", overwrite=False)
    require_export_folder(tmp_path, overwrite=False)


def test_an_export_goes_only_when_asked(tmp_path: Path) -> None:
    folder = make_export(tmp_path / "export")
    with pytest.raises(HumansegError, match="--overwrite"):
        require_export_folder(folder, overwrite=False)
    # What systems leave in a folder that a person has looked at is nobody's file.
    for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
        (folder / name).touch()
    require_export_folder(folder, overwrite=True)


@pytest.mark.parametrize("name", ["letter.txt", "config.yaml", ".git"])
def test_other_files_are_never_in_danger(tmp_path: Path, name: str) -> None:
    for folder in (make_export(tmp_path / "export"), tmp_path / "other"):
        folder.mkdir(exist_ok=True)
        (folder / name).write_text("mine")
        with pytest.raises(HumansegError, match="something else"):
            require_export_folder(folder, overwrite=True)


def test_a_file_in_the_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "export").write_text("mine")
    with pytest.raises(HumansegError, match="is a file"):
        require_export_folder(tmp_path / "export", overwrite=True)


def test_a_folder_appears_whole_and_replaces_the_old_one(tmp_path: Path) -> None:
    folder = make_export(tmp_path / "export")
    with whole_folder(folder) as partial:
        (partial / "model.int8.onnx").write_text("new")
        assert (folder / "model.onnx").read_text() == "old"
    assert [path.name for path in folder.iterdir()] == ["model.int8.onnx"]
    assert [path.name for path in tmp_path.iterdir()] == ["export"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_all_as_it_was(tmp_path: Path, error: type[BaseException]) -> None:
    folder = make_export(tmp_path / "export")
    with pytest.raises(error), whole_folder(folder) as partial:
        (partial / "model.onnx").write_text("half")
        raise error
    assert (folder / "model.onnx").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["export"]
    with pytest.raises(error), whole_folder(tmp_path / "new"):
        raise error
    assert [path.name for path in tmp_path.iterdir()] == ["export"]
