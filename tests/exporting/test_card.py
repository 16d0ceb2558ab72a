import math

import pandas as pd
import pytest

from humanseg.exporting.card import by_share


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
