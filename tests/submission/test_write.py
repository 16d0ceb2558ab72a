import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from humanseg.errors import HumansegError, Refused
from humanseg.io.rle import decode_rle
from humanseg.submission import write as room
from humanseg.submission.write import write_submission

names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), min_size=1)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None
)
@given(st.dictionaries(names, hnp.arrays(bool, (4, 3)), max_size=5))
def test_what_is_written_reads_back(tmp_path: Path, masks: dict[str, np.ndarray]) -> None:
    path = tmp_path / "new folder" / "pred.csv"
    write_submission(path, masks, list(masks))
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["id", "rle_mask"]
    assert [row[0] for row in rows[1:]] == list(masks)
    for id, rle in rows[1:]:
        np.testing.assert_array_equal(decode_rle(rle, (4, 3)), masks[id])


def test_the_file_is_exactly_the_tasks(tmp_path: Path) -> None:
    masks = {"2": np.zeros((2, 2), bool), "1": np.ones((2, 2), np.uint8), "3": np.ones((2, 2))}
    write_submission(tmp_path / "pred.csv", masks, ["2", "1"])
    assert (tmp_path / "pred.csv").read_bytes() == b"id,rle_mask\n2,\n1,1 4\n"


def test_a_very_long_mask_is_written(tmp_path: Path) -> None:
    checks = np.indices((600, 400)).sum(0) % 2
    write_submission(tmp_path / "pred.csv", {"a": checks}, ["a"])
    assert len((tmp_path / "pred.csv").read_text()) > 200_000


def test_the_composed_name_finds_a_template_with_a_decomposed_one(tmp_path: Path) -> None:
    write_submission(tmp_path / "pred.csv", {"é": np.ones((1, 1))}, ["e\u0301"])
    assert (tmp_path / "pred.csv").read_text() == "id,rle_mask\ne\u0301,1 1\n"


@pytest.mark.parametrize(("order", "says"), [(["a", "a"], "more than once"), (["a", "b"], "for b")])
def test_ids_must_have_one_mask_each(tmp_path: Path, order: list[str], says: str) -> None:
    with pytest.raises(HumansegError, match=says):
        write_submission(tmp_path / "pred.csv", {"a": np.ones((2, 2))}, order)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("broken", ["1 3", "1 x", "2 2 1 1"])
def test_a_file_that_reads_back_otherwise_stays_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    path = tmp_path / "pred.csv"
    path.write_text("before")
    monkeypatch.setattr(room, "encode_rle", lambda mask: broken)
    with pytest.raises(Refused):
        write_submission(path, {"a": np.ones((2, 2))}, ["a"])
    assert path.read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 1
