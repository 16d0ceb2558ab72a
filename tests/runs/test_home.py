"""The page of a run: what it says, and where it leads."""

import json
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import hydra
import numpy as np
import pytest
import yaml
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf
from PIL import Image

from humanseg.config.find import conf_folder
from humanseg.errors import HumansegError
from humanseg.metrics.statistics import bootstrap_interval
from humanseg.pages.render import score
from humanseg.runs import RunFolder, read_summary, update_summary
from humanseg.runs.differences import non_default_settings
from humanseg.runs.home import next_steps, refresh_homes, write_home, write_recipe_home
from humanseg.runs.record import read_run
from humanseg.training.request import hydra_choices

WriteRun = Callable[..., Path]
HOSTILE = "<img src=x onerror=alert(1)>"


class Links(HTMLParser):
    """Collects the files that a page leads to, and its text."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.text: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        target = values.get("href" if tag == "a" else "src") if tag in ("a", "img") else None
        if target:
            self.links.append(target)

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def add_pictures(run: Path) -> None:
    (run / "valid").mkdir()
    for id in (path.stem for path in (run / "../../data/valid").resolve().glob("*")):
        for name in (f"{id}_img.jpg", f"{id}_errors.png"):
            Image.fromarray(np.zeros((8, 6, 3), np.uint8)).save(run / "valid" / name)
    for name in ("valid.html", "test.html"):
        (run / name).write_text("")


@pytest.fixture
def make(write_run: WriteRun, compared_root: Path, tmp_path: Path) -> Callable[..., RunFolder]:
    shutil.copytree(compared_root, tmp_path / "data")

    def made(name: str, **more: object) -> RunFolder:
        run = write_run(tmp_path / "runs" / name, tmp_path / "data", moved=2, **more)
        return RunFolder(run)

    return made


def test_every_link_leads_somewhere(make: Callable[..., RunFolder], tmp_path: Path) -> None:
    run = make("100% #1? & co")
    add_pictures(run.path)
    (run.path / "checkpoints").mkdir()
    run.best.write_text("")
    write_home(run)
    page = Links(run.index_page)
    targets = [unquote(link.partition("#")[0]) for link in page.links]
    assert {"valid.html", "test.html", "pred_valid.csv", "checkpoints/best.ckpt"} <= set(targets)
    assert len([target for target in targets if target.startswith("valid/")]) == 12
    for target in targets:
        assert (run.path / target).exists(), target


def test_no_photo_is_shown_as_another_whose_name_differs_in_capitals(
    make: Callable[..., RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make("run")
    add_pictures(run.path)
    # As a Mac or Windows would find them by the names of the ids.
    for picture in (run.path / "valid").iterdir():
        picture.rename(picture.with_name(picture.name.upper()))
    is_file = Path.is_file
    monkeypatch.setattr(Path, "is_file", lambda path: path.parent.name == "valid" or is_file(path))
    write_home(run)
    assert not [link for link in Links(run.index_page).links if link.startswith("valid/")]


def test_it_says_how_good_the_run_is_and_how_sure_that_is(make: Callable[..., RunFolder]) -> None:
    run = make("one", started="2026-11-29T09:28:11+0100", overrides=["++seed=1", "name=a b"])
    write_home(run)
    interval = bootstrap_interval(read_run(run, "one").dice)
    words = Links(run.index_page).words
    assert f"{score(interval.mean)} mean Dice on 12 valid photos" in words
    assert f"95 % interval: {score(interval.low)} to {score(interval.high)}" in words
    assert "2026-11-29 09:28" in words and "6 train, 12 valid, 2 test photos" in words
    assert "humanseg train seed=1 'name=a b'" in words


def test_further_sources_are_counted_and_their_mean_dice_is_shown(
    make: Callable[..., RunFolder],
) -> None:
    run = make("one", dice_by_source={"a": {"dice": 0.9}, "b": {"dice": 0.8}, "c": {"photos": 2}})
    data = read_summary(run.summary)["data"]
    update_summary(run.summary, data={**data, "extra": {"a": 5, "b": 6}}, epochs=3)
    write_home(run)
    words = Links(run.index_page).words
    assert "on 6 photos and 11 of further sources" in words
    assert "Dice, mean of sources 0.8500" in words


def test_names_are_text_and_nothing_else(make: Callable[..., RunFolder]) -> None:
    run = make(HOSTILE, overrides=[f"name={HOSTILE}"])
    write_home(run)
    assert HOSTILE not in run.index_page.read_text(encoding="utf-8")
    assert HOSTILE in Links(run.index_page).words


def test_only_a_finished_run_has_a_page(make: Callable[..., RunFolder]) -> None:
    run = make("one")
    update_summary(run.summary, status="failed")
    with pytest.raises(HumansegError) as raised:
        write_home(run)
    assert raised.value.code == "runs.no_home" and not run.index_page.exists()


def test_jobs_of_a_sweep_and_their_leaderboard_are_linked_when_they_are_there(
    make: Callable[..., RunFolder], tmp_path: Path
) -> None:
    first, second = make("sweep/lr=1,a", sweep="sweep"), make("sweep/lr=2,a", sweep="sweep")
    other = make("alone")
    for run in (first, second, other):
        write_home(run)
    assert "../lr%3D2%2Ca/index.html" not in Links(first.index_page).links
    refresh_homes([first, second, other], [first.index_page, second.index_page])
    assert "../lr%3D2%2Ca/index.html" in Links(first.index_page).links
    assert "alone" not in Links(first.index_page).words

    page = tmp_path / "runs" / "leaderboard.html"
    page.write_text("")
    (tmp_path / "runs" / "leaderboard.csv").write_text("run\nsweep/lr=1,a\nalone\n")
    refresh_homes([first, second, other], [page])
    assert "../../leaderboard.html" in Links(first.index_page).links
    assert "../leaderboard.html" in Links(other.index_page).links
    # It is not in that one.
    assert not [link for link in Links(second.index_page).links if "leaderboard" in link]


def test_a_recipe_has_a_page_that_leads_to_its_stages_and_back(
    make: Callable[..., RunFolder], tmp_path: Path
) -> None:
    stages = [make(f"quick/{name}", recipe="quick", stage=name) for name in ("pretrain", "last")]
    for stage in stages:
        write_home(stage)
    folder = tmp_path / "runs" / "quick"
    shutil.copy(stages[1].submission, folder)
    command = {"command": "humanseg train recipe=quick"}
    (folder / "record.json").write_text(json.dumps(command))
    page = Links(write_recipe_home(folder, stages[1], stages))
    assert {"pretrain/index.html", "last/index.html", "pred_valid.csv"} <= set(page.links)
    assert command["command"] in page.words
    assert "../index.html" in Links(stages[0].index_page).links
    assert "../last/index.html" in Links(stages[0].index_page).links


def test_a_recipe_says_what_all_its_stages_took_and_what_is_of_the_last_alone(
    make: Callable[..., RunFolder], tmp_path: Path
) -> None:
    length = {"warm": (7, 700.0), "cold": (4, 1800.0)}
    stages = [
        make(f"quick/{name}", recipe="quick", stage=name, epochs=epochs, seconds=seconds)
        for name, (epochs, seconds) in length.items()
    ]
    names = {"stages": [{"name": name} for name in length]}
    (tmp_path / "runs" / "quick" / "record.json").write_text(json.dumps(names))
    for stage in stages:
        write_home(stage)
    words = Links(write_recipe_home(tmp_path / "runs" / "quick", stages[1], stages)).words
    assert "trained for 11 epochs in 2 stages on 6 photos" in words
    assert "Training, 2 stages 41 min 40 s" in words and "Best epoch" not in words
    assert "warm 7 epochs, 11 min 40 s" in words and "cold 4 epochs, 30 min 0 s" in words
    # In the order in which they were trained, on the page of a stage too.
    third = make("quick/again", recipe="quick", stage="again")
    names["stages"].append({"name": "again"})
    (tmp_path / "runs" / "quick" / "record.json").write_text(json.dumps(names))
    write_home(third)
    links = Links(third.index_page).links
    assert links.index("../warm/index.html") < links.index("../cold/index.html")


def test_pages_that_know_all_are_left_alone(make: Callable[..., RunFolder]) -> None:
    first, second = make("sweep/a", sweep="sweep"), make("sweep/b", sweep="sweep")
    write_home(first)
    write_home(second)
    refresh_homes([first, second], [first.index_page, second.index_page])
    before = second.index_page.stat().st_mtime_ns
    refresh_homes([first, second], [first.index_page, second.index_page])
    assert second.index_page.stat().st_mtime_ns == before


def test_a_run_leads_to_those_it_was_made_from_though_both_were_moved(
    make: Callable[..., RunFolder], tmp_path: Path
) -> None:
    teacher = make("teacher")
    make("student", changes={"init_from": "/gone/teacher/checkpoints/best.ckpt"})
    write_home(teacher)
    shutil.move(tmp_path / "runs", tmp_path / "moved")
    student = RunFolder(tmp_path / "moved" / "student")
    write_home(student)
    assert "../teacher/index.html" in Links(student.index_page).links


def test_commands_name_the_run_and_can_be_copied(
    make: Callable[..., RunFolder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    commands = [command for _, command in next_steps(make("a run"))]
    assert "humanseg compare runs" in commands
    assert "humanseg export 'runs/a run' --out 'export/a run'" in commands


def test_settings_that_are_not_the_default_ones_are_listed(
    write_run: WriteRun, compared_root: Path, tmp_path: Path
) -> None:
    parts = {"loss": "focal"}
    changes = {"optimizer.lr": 0.5, "trainer.max_epochs": 3, "tta": True, "threads": 9}
    run = write_run(tmp_path / "run", compared_root, parts=parts, changes=changes, seed=4)
    choices = {"model": "unet", "backbone": "plain", "loss": "focal", "optimizer": "adamw"}
    choices |= {"trainer": "default", "data": "folders", "augmentation": "standard"}
    config = yaml.safe_load((run / "config.yaml").read_text())
    found = non_default_settings(config, choices, conf_folder())
    assert [(one.key, one.value, one.default) for one in found if one.key != "callbacks"] == [
        ("loss", "focal", "bce_dice"),
        ("seed", 4, 0),
        ("optimizer.lr", 0.5, 0.003),
        ("trainer.max_epochs", 3, 25),
        ("tta", True, False),
    ]


def test_the_default_settings_differ_in_nothing() -> None:
    GlobalHydra.instance().clear()
    with hydra.initialize_config_dir(str(conf_folder()), version_base="1.3"):
        composed = hydra.compose("train", ["data.root=x"], return_hydra_config=True)
    choices = hydra_choices(composed.hydra)
    config: Any = OmegaConf.to_container(composed, resolve=False)
    del config["hydra"]
    assert non_default_settings(config, choices, conf_folder()) == []
