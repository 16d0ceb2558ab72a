import shutil
from pathlib import Path

import pytest
import yaml

from humanseg.config import find
from humanseg.config.checking import validate
from humanseg.config.checking.compatibility import pair_mistake
from humanseg.config.checking.validate import groups, options, validate_shipped
from humanseg.config.find import conf_folder


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped configs that is taken for them, with the defaults only to be fast."""
    folder = tmp_path / "conf"
    shutil.copytree(conf_folder(), folder)
    defaults = yaml.safe_load((folder / "train.yaml").read_text())["defaults"]
    kept = {
        (group, name)
        for entry in defaults
        if isinstance(entry, dict)
        for group, value in entry.items()
        for name in (value if isinstance(value, list) else [value])
    }
    for group in groups(folder):
        for path in (folder / group).glob("*.yaml"):
            if (group, path.stem) not in kept or path.stem == "wandb":
                path.unlink()
    text = (folder / "train.yaml").read_text().replace("[csv, wandb]", "[csv]")
    (folder / "train.yaml").write_text(text)
    monkeypatch.setattr(validate, "conf_folder", lambda: folder)
    return folder


def test_every_shipped_config_fits_the_code() -> None:
    lines: list[str] = []
    assert validate_shipped(lines.append) == []
    shipped = {
        (group, name) for group in groups(conf_folder()) for name in options(conf_folder(), group)
    }
    for group, name in shipped:
        assert any(
            line.split()[1].lstrip("+") in (f"{group}={name}", f"{group}=[{name}]")
            for line in lines
        )


def test_each_broken_file_is_named_once(copy: Path) -> None:
    (copy / "loss/mine.yaml").write_text("_target_: humanseg.losses.DiceLoss\nsmoot: 1\n")
    (copy / "loss/cut.yaml").write_text("_target_: [\n")
    (copy / "experiment").mkdir(exist_ok=True)
    (copy / "experiment/typo.yaml").write_text("# @package _global_\ntriner: {max_epochs: 3}\n")
    (copy / "experiment/group.yaml").write_text(
        "# @package _global_\ndefaults: [{override /model: unett}]\n"
    )
    found = validate_shipped()
    assert len(found) == 4, found
    assert "loss=mine: loss.smoot: unknown, did you mean smooth?" in found
    assert "experiment=typo: triner: unknown, did you mean trainer?" in found
    assert any(one.startswith("loss=cut: ") for one in found)
    assert any(one.startswith("experiment=group: model=unett: ") for one in found)


def test_a_mistake_in_the_defaults_is_told_once(copy: Path) -> None:
    with (copy / "optimizer/adamw.yaml").open("a") as file:
        file.write("lrr: 3\n")
    assert validate_shipped() == ["train.yaml: optimizer.lrr: unknown, did you mean lr?"]


def test_an_impossible_pair_is_named(copy: Path) -> None:
    (copy / "backbone/odd.yaml").write_text(
        "_target_: humanseg.models.TimmBackbone\nname: pvt_v2_b0\noutput_stride: 8\n"
    )
    (found,) = validate_shipped()
    assert found.startswith(
        "backbone=odd: model: humanseg.models.UNet on pvt_v2_b0 is impossible: "
    )


def search(folder: Path, params: str, more: str = "") -> None:
    """Leave a search in a folder of configs."""
    (folder / "search/mine.yaml").write_text(
        f"# @package _global_\nhydra: {{sweeper: {{params: {{{params}}}{more}}}}}\n"
    )


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ("model: 'unet,pspnett'", "model=pspnett: model=pspnett: there is no such model"),
        ("optimizer.lr: '0.1,fast'", "optimizer.lr=fast: optimizer.lr: 'fast' is not a number"),
        (
            "optimizer.lr: 'interval(-1,1)'",
            "optimizer.lr=-1.0: optimizer.lr: -1.0 is not a number above 0",
        ),
        ("loss.weights.0: 'interval(0.5,-2)'", "loss.weights.0=-2.0: loss.weights: [-2.0, 0.5]"),
        ("modle: 'unet,pspnet'", "modle=unet: modle: there is no such key, did you mean model?"),
        ("backbone.widths: '[4,8],[4,x]'", "backbone.widths=[4,x]: backbone.widths: [4, 'x']"),
        ("seed: 'range(2'", ": seed=range(2: this is not key=value"),
        (
            "seed: 'range(2)'}, n_trails: {a: 1",
            ": hydra.sweeper.n_trails: unknown, did you mean n_",
        ),
    ],
)
def test_each_value_of_a_search_is_checked(copy: Path, params: str, found: str) -> None:
    search(copy, params)
    mistakes = validate_shipped()
    assert len(mistakes) == 1, mistakes
    assert mistakes[0].startswith(f"search=mine{'' if found[0] == ':' else ' '}{found}"), mistakes


def test_each_fold_of_the_search_is_there_whatever_the_experiment_has() -> None:
    from hydra import compose, initialize_config_dir

    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        words = ["experiment=comparison", "search=folds"]
        config = compose("train", overrides=words, return_hydra_config=True)
    folds = map(int, config.hydra.sweeper.params["data.fold"].split(","))
    assert list(folds) == list(range(config.data.folds))


def test_an_impossible_value_of_any_file_is_named(copy: Path) -> None:
    (copy / "optimizer/mine.yaml").write_text(
        "_target_: humanseg.training.optimizers.Adam\nlr: -1.0\n"
    )
    (found,) = validate_shipped()
    assert found.startswith("optimizer=mine: optimizer.lr: -1.0 is not a number above 0")


def test_a_broken_installation_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "_PACKAGE", tmp_path / "humanseg")
    with pytest.raises(Exception, match="Install humanseg again"):
        conf_folder()


def test_pairs_open_no_weights() -> None:
    from hydra import compose, initialize_config_dir

    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        config = compose(
            "train", overrides=["backbone=resnet18", "backbone.weights=/no/such/file.safetensors"]
        )
    assert pair_mistake(config) is None
