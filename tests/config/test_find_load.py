from pathlib import Path

import pytest

from humanseg.config.find import conf_folder
from humanseg.config.load import load_run_config
from humanseg.errors import HumansegError


def test_the_folder_is_absolute_and_beside_the_package() -> None:
    folder = conf_folder()
    assert folder.is_absolute()
    assert folder == Path(__file__).parents[2] / "conf"


def test_a_run_config_reads_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("seed: 3\nmodel: {_target_: humanseg.models.UNet, lr: 1e-3}\n")
    config = load_run_config(path)
    assert (config.seed, config.model.lr) == (3, 0.001)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[1, 2]",
        b"a: [1,",
        b"a: \xff",
        b"a: !!python/object/apply:os.getcwd []",
        b"a: 1\na: 2",
    ],
    ids=["empty", "list", "cut", "bytes", "object", "twice"],
)
def test_a_broken_config_is_one_paragraph_that_names_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with pytest.raises(HumansegError) as caught:
        load_run_config(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_config_is_named(tmp_path: Path) -> None:
    with pytest.raises(HumansegError, match="No such file"):
        load_run_config(tmp_path / "config.yaml")


def test_a_python_tag_executes_nothing(tmp_path: Path) -> None:
    proof = tmp_path / "executed"
    path = tmp_path / "config.yaml"
    path.write_text(f"a: !!python/object/apply:os.mkdir [{proof}]\n")
    with pytest.raises(HumansegError):
        load_run_config(path)
    assert not proof.exists()
