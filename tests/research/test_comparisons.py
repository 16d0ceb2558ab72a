"""Claims and their searches, selection on valid, and cross-validation."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from humanseg.config.find import conf_folder
from humanseg.io.tables import write_table
from research.claims import claims_of
from research.records import Records, open_records, read_columns
from research.sections import abstract, folds, ladder, method, small
from research.show import Prose, Table
from tests.research.conftest import COMMITTED, MakeRun

SEARCHES = [path for path in COMMITTED.iterdir() if "search=" in claims_of(path).get("command", "")]


@pytest.mark.parametrize("folder", SEARCHES, ids=lambda path: path.name)
def test_a_claim_is_about_what_its_search_varies(folder: Path) -> None:
    about = claims_of(folder)
    (name,) = re.findall(r"search=(\w+)", about["command"])
    assert f"sweep={folder.name}" in about["command"] or name == folder.name
    search = yaml.safe_load((conf_folder() / "search" / f"{name}.yaml").read_text("utf-8"))
    varied = search["hydra"]["sweeper"]["params"]
    for claim in about.get("hypotheses", ()):
        varied_values = str(varied[claim["setting"]])
        if varied_values == "glob(*)":
            varied_values = ",".join(
                path.stem for path in (conf_folder() / claim["setting"]).iterdir()
            )
        # A record has Python's words for true and false, and no word for null.
        compared = {str(claim[side]).lower() or "null" for side in ("better", "than")}
        assert compared <= set(varied_values.split(",")), claim["claim"]


def test_choosing_among_equal_runs_flatters_and_a_single_run_does_not() -> None:
    noise = np.random.default_rng(0).normal(0.98, 0.01, (100, 20))
    assert abstract.choice_optimism(noise) > 0.001
    assert abstract.choice_optimism(noise[:, :1]) == pytest.approx(0)
    ahead = noise + np.array([0.1, *[0.0] * 19])
    assert abstract.choice_optimism(ahead) == pytest.approx(0, abs=1e-4)


def test_photos_seeds_and_folds_are_told_apart(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    rows = []
    for fold in range(5):
        photos = generator.normal(0.97, 0.02, 200)
        for seed in range(3):
            change = generator.normal(0, 0.004)
            rows += [(fold, seed, f"{fold}-{at}", dice + change) for at, dice in enumerate(photos)]
    table = pd.DataFrame(rows, columns=["fold", "seed", "id", "dice"])
    write_table(tmp_path / "folds" / "folds.csv", table)
    spread = folds.spread_of(read_columns(tmp_path / "folds" / "folds.csv"))
    assert (spread.photos, spread.folds, spread.seeds) == (1000, 5, 3)
    assert spread.photo_deviation == pytest.approx(0.02, rel=0.1)
    assert spread.seed_deviation == pytest.approx(0.004, rel=0.5)
    assert spread.by_photos == pytest.approx(0.02 / 200**0.5, rel=0.1)
    assert isinstance(folds.folds_table(open_records(tmp_path)), Table)


def test_without_folds_the_command_is_named(tmp_path: Path) -> None:
    said = folds.folds_table(open_records(tmp_path))
    assert isinstance(said, Prose) and "search=folds" in said.text


def test_a_step_names_what_it_changed_at_once(make_run: MakeRun, tmp_path: Path) -> None:
    make_run("best/start", [0.96], overrides=["lr=1", "run_dir=a", "threads=2"])
    make_run("best", [0.97], overrides=["lr=2", "loss=dice", "init_from=a", "run_dir=b"])
    runs = open_records(tmp_path).runs
    assert ladder.changes(runs["best/start"], runs["best"]) == ["`lr`", "`loss`"]


def test_no_step_of_the_recipe_is_said_to_be_better_than_seeds_allow(records: Records) -> None:
    rows = ladder.steps_table(records).rows
    assert [row[0] for row in rows] == [
        f"`{name}`"
        for name in ("best/start", "best/teacher", "best/before", "best/untaught", "best")
    ]
    for row in rows[1:]:
        low, high = (float(end) for end in row[3].split(" to "))
        assert row[4] == "undecided" or low > 0 or high < 0


def test_every_loss_has_a_formula_and_every_stage_a_row() -> None:
    assert sorted(method.LOSSES) == sorted(path.stem for path in (conf_folder() / "loss").iterdir())
    # A bar would end a cell.
    assert not [text for about in method.LOSSES.values() for text in about if "|" in text]
    recipe = yaml.safe_load((conf_folder() / "recipe" / "best.yaml").read_text("utf-8"))
    rows = {row[0].strip("`"): row for row in method.stages_table().rows}
    assert list(rows) == list(recipe["stages"])
    assert rows["pretrain"][2:6] == ["original", "robust", "bce_dice", "–"]
    assert rows["best"][2] == "512, evaluated at 464" and "distil" in rows["best"][5]


def test_the_bundled_run_counts_for_a_recipe_whose_own_is_lost(records: Records) -> None:
    assert records.headline().name == "best/kept"
    from research.sections.results import recipes_table

    (row,) = [row for row in recipes_table(records).rows if row[0] == "`recipe=best`"]
    assert row[4] == f"{records.runs['best/kept'].dice:.4f}"
    assert abstract.abstract(records).text.count("0.9847") == 0


def test_the_contenders_hold_every_bundled_model_once(records: Records) -> None:
    found = small.contenders(records)
    names = [one.name for one in found]
    assert len(names) == len(set(names))
    assert {"best", "tiny", "robust", "robust_tiny"} <= {one.name for one in found if one.ours}
    first = found[0]
    assert not any(other.beats(first, "milliseconds") for other in found)
