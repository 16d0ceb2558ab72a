"""What people type after `humanseg train` reaches the config as they mean it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from humanseg.config.command_line.overrides import PATH_SETTINGS, hydra_words
from humanseg.errors import HumansegError
from humanseg.recipes.plugin import recipe_words

Compose = Callable[..., DictConfig]
ODD = [
    *("~/photos", "a=b", "a(1)", "a[b]", "[x]", "{x}", "a#b", "a&b", "it's", 'say "x"', "a;b"),
    *("ü日本", "😀", "a b(1)", "a!b", "C:\\x\\'y'", "2024", "007", "1e5", "true", "a'", "<a>"),
]


@pytest.mark.parametrize("path", ODD)
def test_a_path_is_what_was_typed(compose: Compose, path: str) -> None:
    (word,) = hydra_words([f"data.root={path}"])
    assert compose(word).data.root == path


@pytest.mark.parametrize("key", sorted(PATH_SETTINGS - {"backbone.weights"}))
def test_every_setting_that_is_a_path_takes_one(compose: Compose, key: str) -> None:
    assert OmegaConf.select(compose(*hydra_words([f"{key}=~/a=(1)"])), key) == "~/a=(1)"


def test_keys_may_be_added(compose: Compose) -> None:
    config = compose(*hydra_words(["backbone=resnet18", "++backbone.weights=~/w(1).pth"]))
    assert config.backbone.weights == "~/w(1).pth"


@pytest.mark.parametrize(
    "word",
    [
        "hydra/launcher=joblib",
        "+group/below=x",
        "data.root=photos",
        "data.root='~/photos'",
        'data.root="a b"',
        "data.root=runs/${name}/x",
        "data.root=null",
        "init_from=[a,b]",
        "optimizer.lr=[1",
        "model=a(b",
        "~callbacks.ema",
        "--cfg",
        "foo",
    ],
)
def test_what_hydra_takes_and_what_is_no_path_stays_as_it_is(word: str) -> None:
    assert hydra_words([word]) == [word]


def test_an_empty_mapping_is_refused_since_it_would_change_nothing(compose: Compose) -> None:
    assert compose("data=sources", "data.extra={}").data.extra, "Hydra replaces it now"
    with pytest.raises(HumansegError, match=r"data\.extra=null"):
        hydra_words(["data=sources", "data.extra={}"])
    with pytest.raises(HumansegError, match=r"data\.extra=null"):
        hydra_words(recipe_words(["recipe=robust", "data.extra={}"]))
    assert compose(*hydra_words(["data=sources", "data.extra=null"])).data.extra is None
    assert hydra_words(["+own={}"]) == ["+own={}"]


def test_a_list_of_paths_is_quoted_one_by_one(compose: Compose) -> None:
    config = compose(*hydra_words(["init_from=[runs/a(1),runs/b]"]))
    assert list(config.init_from) == ["runs/a(1)", "runs/b"]


@pytest.mark.parametrize("typed", ["~/a,b=c", "1,2", "a,b", "choice(a,b)"])
def test_the_values_of_a_sweep_are_quoted_one_by_one(typed: str) -> None:
    flag, word = hydra_words(["-m", f"data.root={typed}"])
    override = OverridesParser.create().parse_override(word)
    wanted = typed.removeprefix("choice(").removesuffix(")").split(",")
    values = override.value().list  # type: ignore[union-attr]
    assert [getattr(value, "text", value) for value in values] == wanted


def test_a_comma_belongs_to_a_folder_that_is_there(
    compose: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert hydra_words(["data.root=a,b"]) == ["data.root=a,b"]
    (tmp_path / "a,b").mkdir()
    assert compose(*hydra_words(["data.root=a,b"])).data.root == "a,b"


@pytest.mark.parametrize("words", [["--data", "a (1)"], ["--data=a (1)"]], ids=str)
def test_data_is_the_folder_of_photos(compose: Compose, words: list[str]) -> None:
    assert compose(*hydra_words(words)).data.root == "a (1)"


def test_a_folder_alone_is_answered_with_the_right_command(tmp_path: Path) -> None:
    with pytest.raises(HumansegError, match=rf"humanseg train --data {tmp_path}"):
        hydra_words([str(tmp_path), "model=unet"])


def test_nothing_at_all_starts_no_training() -> None:
    with pytest.raises(HumansegError, match="data.root=photos"):
        hydra_words([])


def test_relative_paths_are_not_moved_by_hydra() -> None:
    with pytest.raises(HumansegError, match="run_dir=PATH"):
        hydra_words(["data.root=photos", "hydra.job.chdir=true"])
    assert hydra_words(["hydra.job.chdir=false"]) == ["hydra.job.chdir=false"]
