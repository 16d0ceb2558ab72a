import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from omegaconf import OmegaConf

from humanseg.exporting.card import by_share, render_card


def test_every_photo_is_in_one_group() -> None:
    shares = [0.0, 0.05, 0.1, 0.15, 0.2, 0.6, 0.61, 1.0]
    rows = [
        {"foreground": share, "dice": share, "boundary_dice": math.nan if share == 1 else 0.5}
        for share in shares
    ]
    groups = by_share(pd.DataFrame(rows))
    assert [group["photos"] for group in groups] == [3, 2, 1, 2]
    assert groups[0]["share"] == "0 % to 10 %"
    assert groups[-1]["dice"] == pytest.approx(0.805)
    assert groups[-1]["boundary_dice"] == 0.5


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "0 %"), (1 / 400, "<1 %"), (11 / 89, "12 %"), (1.0, "100 %")]
)
def test_false_positives_are_whole_percents_and_0_for_none(share: float, text: str) -> None:
    source: Any = SimpleNamespace(
        is_as_scored=True,
        run=SimpleNamespace(scores=Path("none")),
        ensemble=(),
        config=OmegaConf.create({}),
        summary={"dice_by_source": {"nobody": {"photos": 400, "false_positives": share}}},
    )
    manifest = {
        "name": "unet",
        "run": "1",
        "files": {"model.onnx": {"bytes": 1}},
        "checked_photos": 1,
        "data": {"train": 1, "valid": 1},
        "long_side": 64,
        "threshold": 0.5,
        "scores": {"dice": 0.9, "interval": [0.8, 1], "dice_at_half": 0.9, "boundary_dice": None},
        "git": None,
    }
    card = render_card(manifest, source, None, [], None, (64, 64))
    assert f"Of 400 photos without people (nobody), {text} are false positives." in card
    # On Windows a path has wide characters.
    assert 'session(env, ORT_TSTR("model.onnx"), ' in card
