from collections.abc import Callable

import numpy as np
from rich.console import Console

from humanseg.compare.ranking import Group, rank
from humanseg.compare.terminal_table import conclusion, describe, footnotes, terminal_table
from humanseg.runs.record import RunRecord
from humanseg.runs.settings import Shipped

Make = Callable[..., RunRecord]
PHOTOS = np.random.default_rng(0).uniform(0.8, 0.9, 30)
NOISE = np.random.default_rng(1).normal(0, 0.01, 30)


def test_the_conclusion_says_what_can_be_said(make_record: Make, shipped: Shipped) -> None:
    best = make_record("a", PHOTOS + 0.05)
    close = make_record("b", PHOTOS + 0.0499 + NOISE - NOISE.mean(), lr=0.1)
    far = make_record("c", PHOTOS, lr=0.2)
    farther = make_record("d", PHOTOS - 0.1, lr=0.3)

    def said(*runs: RunRecord) -> str:
        return conclusion(rank(runs, shipped))

    assert said(best).startswith("a: Dice 0.90") and said(best).endswith(".")
    assert "It is better than lr 0.2 by 0.0500 (interval 0.0500 to 0.0500)." in said(best, far)
    assert "It and lr 0.1 are not significantly different on these 30 photos." in said(best, close)
    assert "1 of the others is not significantly different" in said(best, close, far)
    alone = said(best, far, farther)
    assert "All others score significantly lower on these 30 photos; the next, lr 0.2, by" in alone


def test_the_terminal_shows_names_as_they_are(make_record: Make, shipped: Shipped) -> None:
    runs = [
        make_record("[red]a", PHOTOS + 0.05, seed=0, parameters=5_198_033, seconds=3000.0),
        make_record("[red]b", PHOTOS + 0.06, seed=1, parameters=5_198_033, seconds=3000.0),
        make_record("tuned", PHOTOS, lr=0.1, threshold=0.4),
    ]
    group = rank(runs, shipped)
    console = Console(width=200)
    with console.capture() as capture:
        console.print(terminal_table(group))
    shown = capture.get()
    assert "[red]a and 1 more" in shown and "5.20 M" in shown and "50 min 0 s" in shown
    first, second = shown.splitlines()[1:3]
    assert "0.0071 (2)" in first and "best" in first
    assert "*" in second and "-0.0" in second
    assert footnotes(group) == ["* interval and differences are of Dice at the run's own threshold"]


def test_the_valid_photos_are_described(make_record: Make, shipped: Shipped) -> None:
    fold = {"train": 960, "fold": 2, "folds": 5, "valid_sha256": "abcdef0123"}
    runs = [make_record("a", PHOTOS, data=fold)]
    assert describe(rank(runs, shipped)) == "30 valid photos, 960 to train, fold 2 of 5 (abcdef01)"
    runs.append(make_record("b", PHOTOS, data=fold | {"train": 480, "test": 3}))
    assert "480 to 960 to train" in describe(rank(runs, shipped))
    # What is not known to be the same is not called the same.
    unknown = [rank([make_record("a", PHOTOS, data=data)], shipped) for data in ({}, {"train": 9})]
    assert len({describe(group)[-10:] for group in unknown}) == 2


def test_repeated_runs_are_not_called_seeds(make_record: Make, shipped: Shipped) -> None:
    seeds = ((1, 0), (1, 0), (2, 0), (2, 1), (2, 1))
    runs = [make_record(str(n), PHOTOS, lr=lr, seed=seed) for n, (lr, seed) in enumerate(seeds)]
    group = rank(runs, shipped)
    console = Console(width=150)
    with console.capture() as capture:
        console.print(terminal_table(group))
    one, two = capture.get().splitlines()[1:3]
    assert " repeated" in one and "(" not in one and "0.0000 (2), repeated" in two
    assert any(note.startswith("Repeated: ") for note in footnotes(group))


def narrow(group: Group, width: int) -> tuple[list[str], int]:
    """Return the words of the header in a terminal, and the length of the longest line."""
    console = Console(width=width)
    with console.capture() as capture:
        console.print(terminal_table(group, width))
    lines = capture.get().splitlines()
    return lines[0].split(), max(map(len, lines))


def test_a_narrow_terminal_shows_what_matters_most(make_record: Make, shipped: Shipped) -> None:
    costs = {"parameters": 5_198_033, "seconds": 3000.0, "images_per_second": 4.0}
    runs = [
        make_record(f"sweep/model={model}", PHOTOS, parts={"model": model}, **costs)
        for model in ("unet", "pspnet")
    ]
    group = rank(runs, shipped)
    assert narrow(group, 200)[0][-1] == "run"
    words, longest = narrow(group, 80)
    assert words == ["model", "Dice", "95", "%", "interval", "to", "best", "parameters", "time"]
    assert longest <= 80
    assert narrow(group, 50)[0] == ["model", "Dice", "95", "%", "interval", "to", "best"]
    assert "…" not in "".join(narrow(group, 50)[0])


def test_many_settings_become_one_column(make_record: Make, shipped: Shipped) -> None:
    parts = {"optimizer": "sgd", "model": "attention_unet", "loss": "focal_tversky"}
    runs = [make_record("a", PHOTOS), make_record("b", PHOTOS, lr=0.1, parts=parts)]
    words, longest = narrow(rank(runs, shipped), 60)
    assert words[:2] == ["settings", "Dice"] and longest <= 60
