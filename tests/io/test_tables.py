from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from humanseg.errors import HumansegError
from humanseg.io.tables import as_numbers, read_table, write_table

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None
)
@given(st.lists(st.tuples(texts, texts), min_size=1))
def test_every_text_is_read_as_it_was_written(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    path = tmp_path / "new folder" / "table.csv"
    write_table(path, pd.DataFrame(rows, columns=["id", "rle_mask"]))
    read = read_table(path, ["id", "rle_mask"])
    assert list(read.itertuples(index=False, name=None)) == rows


@pytest.mark.parametrize("id", ["NA", "nan", "None", "null", "", "007", "1e5", "7.0", "True", "-"])
def test_ids_that_look_like_something_else_stay_as_they_are(tmp_path: Path, id: str) -> None:
    (tmp_path / "table.csv").write_text(f"id,rle_mask\n{id},1 4\n8,\n")
    table = read_table(tmp_path / "table.csv")
    assert table["id"].tolist() == [id, "8"] and table["rle_mask"].tolist() == ["1 4", ""]
    write_table(tmp_path / "again.csv", table)
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "table.csv").read_bytes()


def test_fields_of_any_length_are_read(tmp_path: Path) -> None:
    # Python's csv module refuses more than 131072 characters.
    long = " ".join(map(str, range(100_000)))
    write_table(tmp_path / "table.csv", pd.DataFrame({"id": ["a"], "rle_mask": [long]}))
    assert read_table(tmp_path / "table.csv")["rle_mask"].tolist() == [long]


def test_numbers_keep_all_their_digits(tmp_path: Path) -> None:
    numbers = [1 / 3, 1e-5, np.nextafter(1, 0), 0.0, float("nan")]
    write_table(tmp_path / "table.csv", pd.DataFrame({"dice": numbers}), missing="nan")
    text = (tmp_path / "table.csv").read_text()
    assert text == "dice\n0.3333333333333333\n1e-05\n0.9999999999999999\n0.0\nnan\n"
    read = as_numbers(read_table(tmp_path / "table.csv"))["dice"]
    np.testing.assert_array_equal(read, numbers)


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_bytes(b"\xef\xbb\xbfid,rle_mask\r\n10,1 1\r\n\r\n9,\r\n")
    assert read_table(tmp_path / "table.csv", ["id"])["id"].tolist() == ["10", "9"]


def test_a_table_without_rows_has_its_columns(tmp_path: Path) -> None:
    write_table(tmp_path / "table.csv", pd.DataFrame(columns=["a", "b"]))
    assert (tmp_path / "table.csv").read_text() == "a,b\n"
    table = read_table(tmp_path / "table.csv", ["a", "b"])
    assert list(table) == ["a", "b"] and table.empty


@pytest.mark.parametrize(
    "content",
    [b"", b"a,b\n1,2\n", b"id,id\n1,2\n", b"id,b\n1,2,3\n", b'id,b\n1,"2\n', b"id\n\xff\xfe\x00\n"],
    ids=["empty", "no column", "a column twice", "a long row", "an open quote", "no text"],
)
def test_a_broken_table_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "table.csv"
    with pytest.raises(HumansegError, match="table.csv") as missing:
        read_table(path)
    assert missing.value.code == "io.missing_table"
    path.write_bytes(content)
    with pytest.raises(HumansegError, match="table.csv") as broken:
        read_table(path, ["id"])
    assert broken.value.code == "io.broken_table"


def test_a_table_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_table(path, pd.DataFrame({"id": ["\udcff"]}))
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_texts_become_numbers_and_what_is_none_nan(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("epoch,val_dice,lr\n1,x,\n2,,0.5\nthree,0.25,True\n")
    table = as_numbers(read_table(tmp_path / "table.csv"))
    np.testing.assert_array_equal(table["epoch"], [1, 2, np.nan])
    np.testing.assert_array_equal(table["val_dice"], [np.nan, np.nan, 0.25])
    np.testing.assert_array_equal(table["lr"], [np.nan, 0.5, np.nan])
