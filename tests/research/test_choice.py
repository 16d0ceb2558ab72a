"""Why this model: what each part rests on, and the benchmark of changed photos."""

import numpy as np
import pytest

from research.claims import read_hypotheses
from research.records import Records
from research.sections import choice, failures
from research.sections.abstract import abstract


def test_a_part_rests_on_evidence_only_where_a_claim_of_its_own_values_is_better(
    records: Records,
) -> None:
    rows = choice.parts_table(records).rows
    assert len(rows) >= 10
    for part, *_, small, _, rests in rows:
        assert rests in ("evidence", "evidence, post hoc") or rests.startswith("a reason: "), part
        if rests.startswith("evidence"):
            assert ", better" in small, part
            # Post hoc: no claim that came before its sweep is better.
            confirmed = any(verdict.endswith(", better") for verdict in small.split("; "))
            assert confirmed == (rests == "evidence"), part
    # The claim is of another size than that of the recipe.
    (size,) = [row for row in rows if row[0] == "size"]
    assert "better" in size[3] and size[5].startswith("a reason")
    counted = sum(row[5].startswith("evidence") for row in rows)
    assert f"{counted} rest on a verdict" in choice.parts_text(records).text


def test_the_abstract_names_the_choices_that_the_verdicts_decide(records: Records) -> None:
    verdicts = {(claim.better, claim.than): claim.verdict for claim in read_hypotheses(records)}
    assert "four choices are shown to be better" in abstract(records).text
    assert {verdicts[pair] for pair in (("unet", "pspnet"), ("standard", "robust"))} == {"better"}
    assert verdicts["bce_dice", "dice"] == "better"
    assert verdicts["mobilenetv2_100.safetensors", "none"] == "better"
    assert verdicts["efficientnet_lite2", "mobilenetv2"] == "undecided"
    assert verdicts["bce_lovasz", "bce_dice"] == verdicts["0.5", "0.0"] == "undecided"


def test_the_changed_photos_are_those_that_the_text_counts(records: Records) -> None:
    table = records.table("world/world.csv")
    checked = 0
    for name, plain in zip(table.text("model"), table.numbers("plain"), strict=True):
        if name in records.runs:
            dice = records.runs[name].scores.numbers("dice")
            kept = np.linspace(0, len(dice) - 1, failures.SHIFTED_PHOTOS).round().astype(int)
            assert dice[kept].mean() == pytest.approx(plain, abs=2e-5), name
            checked += 1
    assert checked >= 3
