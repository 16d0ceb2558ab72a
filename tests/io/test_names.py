from hypothesis import given, settings
from hypothesis import strategies as st

from humanseg.io.names import SPLITS, mask_folder, natural_key


def test_numbers_sort_as_numbers() -> None:
    ids = ["10", "2", "a10", "a9", "1", "02", "b", ""]
    assert sorted(ids, key=natural_key) == ["", "1", "02", "2", "10", "a9", "a10", "b"]


@settings(deadline=None)
@given(st.lists(st.text()))
def test_any_texts_have_one_order(ids: list[str]) -> None:
    ordered = sorted(ids, key=natural_key)
    assert sorted(reversed(ids), key=natural_key) == ordered


def test_a_very_long_number_sorts() -> None:
    long = "9" * 10_000
    assert sorted([long + "0", long, "3"], key=natural_key) == ["3", long, long + "0"]


def test_folders_of_the_task() -> None:
    assert [mask_folder(split) for split in SPLITS[:2]] == ["train_mask", "valid_mask"]
