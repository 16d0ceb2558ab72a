from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from humanseg.sweeps.naming import (
    LONGEST,
    job_folder,
    job_name,
    key_of,
    sweep_name,
    varied_overrides,
)


def test_a_job_is_named_by_what_differs() -> None:
    overrides = ["seed=1", "optimizer.lr=0.1", "data.root=photos", "+loss=dice"]
    assert job_name(overrides, {"seed", "loss"}) == "+loss=dice,seed=1"
    assert job_name(overrides, set()) == "default"
    assert varied_overrides(overrides, {"seed"}) == ["seed=1"]
    # The order of the command line does not count.
    assert job_name(overrides[::-1], {"seed", "loss"}) == "+loss=dice,seed=1"


@pytest.mark.parametrize(
    ("override", "key"),
    [("a.b=1", "a.b"), ("+a=b=c", "a"), ("~a", "a"), ("++a@b=1", "a"), ("a='x=y'", "a")],
)
def test_the_key_of_an_override(override: str, key: str) -> None:
    assert key_of(override) == key


@pytest.mark.parametrize(
    "text", ["/", "a/b", "a b", "a'b", "x" * 500, "é" * 150, "a\nb", "*", "a:b"]
)
def test_a_value_that_is_no_name_gets_one_of_its_own(text: str) -> None:
    name = job_name([f"k={text}"], {"k"})
    assert name.startswith("k=") and "~" in name
    assert len(name.encode()) <= LONGEST
    assert not set(name) & set("/ '\n*:")
    assert name != job_name([f"k={text}_"], {"k"})


@settings(deadline=None)
@given(st.text(max_size=300), st.text(max_size=300))
def test_two_values_never_share_a_name(one: str, other: str) -> None:
    names = {job_name([f"k={text}"], {"k"}) for text in (one, other)}
    assert len(names) == len({one, other})


def test_a_sweep_is_named_by_what_was_asked_for() -> None:
    words = ["optimizer.lr=0.1,0.2", "seed=1,2", "data.root=photos"]
    name = sweep_name(words, {}, ["optimizer.lr", "seed"])
    assert name.startswith("lr-seed-")
    same = [*words[::-1], "runs_dir=elsewhere", "restart=true", "threads=2", "logger=[csv]"]
    assert sweep_name(same, {}, ["optimizer.lr", "seed"]) == name
    assert sweep_name([*words, "model=unet"], {}, ["optimizer.lr", "seed"]) != name
    assert sweep_name(words, {"loss": "dice,bce"}, ["optimizer.lr", "seed"]) != name


def test_a_search_gives_its_name() -> None:
    assert sweep_name(["search=losses"], {"loss": "dice,bce"}, ["loss"]).startswith("losses-")


def test_a_job_from_before_its_settings_were_renamed_keeps_its_folder(tmp_path: Path) -> None:
    words = ["data.train_size=96", "augmentation=robust", "seed=1"]
    varied = ["data.train_size", "augmentation"]
    new = tmp_path / "augmentation=robust,data.train_size=96"
    old = tmp_path / "augmentation=world,data.long_side=96"
    assert job_folder(tmp_path, words, varied) == new
    old.mkdir()
    assert job_folder(tmp_path, words, varied) == old
    new.mkdir()
    assert job_folder(tmp_path, words, varied) == new
