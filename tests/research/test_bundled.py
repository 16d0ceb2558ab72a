"""The bundled models photo by photo: of the files that are bundled, or not shown at all."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from humanseg.inference.catalog import bundled_models
from research.records import Records, open_records
from research.sections import choice, sources
from research.show import Prose, Table
from tests.research.conftest import COMMITTED


def test_what_was_measured_of_other_files_is_not_shown(tmp_path: Path) -> None:
    shutil.copytree(COMMITTED, tmp_path / "records")
    files = tmp_path / "records" / "bundled" / "files.csv"
    text = files.read_text(encoding="utf-8")
    files.write_text(text.replace("best,", "best,0"), encoding="utf-8")
    records = open_records(tmp_path / "records")
    assert records.of_bundled("valid") is None
    assert set(records.measured()) == set(records.measured_runs())
    assert isinstance(choice.pairs_table(records), Prose)
    assert isinstance(sources.gains_table(records), Prose)


def test_the_measured_scores_are_those_of_the_models_records(records: Records) -> None:
    tables = [records.of_bundled(name) for name in ("valid", "sources", "nobody")]
    if None in tables:
        pytest.skip("other files are bundled than were measured: scripts/measure_bundled.py")
    valid, others, nobody = (table for table in tables if table is not None)
    source = np.array(others.text("source"))
    for name, model in bundled_models().items():
        dice = model.record["dice"]
        assert valid.numbers(name).mean() == pytest.approx(
            dice["in_distribution"]["mean"], abs=1e-4
        )
        for key, about in dice["out_of_distribution"]["by_source"].items():
            mean = others.numbers(name)[source == key].mean()
            assert mean == pytest.approx(about["mean"], abs=2e-4), (name, key)
        seen = (nobody.numbers(name) > sources.SEEN).mean()
        assert seen == pytest.approx(dice["no_person"]["people_seen"], abs=1e-3)
    assert isinstance(choice.pairs_table(records), Table)
    assert isinstance(sources.gains_table(records), Table)
    for name, table in records.measured().items():
        assert table.numbers("dice") == pytest.approx(valid.numbers(name), abs=2e-6)
