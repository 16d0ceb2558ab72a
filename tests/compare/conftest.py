"""Finished runs without files."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from humanseg.config.find import conf_folder
from humanseg.runs import RunFolder
from humanseg.runs.record import RunRecord


@pytest.fixture(scope="session")
def make_record() -> Callable[..., RunRecord]:
    """Make the record of a run from its Dice per photo."""

    def make(
        name: str,
        dice: Sequence[float],
        *,
        seed: int = 0,
        threshold: float = 0.5,
        lr: float = 0.003,
        parts: dict[str, str] | None = None,
        **summary: Any,
    ) -> RunRecord:
        config: dict[str, Any] = {"seed": seed}
        chosen = {"model": "unet", "loss": "dice", "optimizer": "adamw"} | (parts or {})
        for group, option in chosen.items():
            config[group] = yaml.safe_load((conf_folder() / group / f"{option}.yaml").read_text())
        config["optimizer"]["lr"] = lr
        scores = np.asarray(dice, float)
        known = {"dice": scores.mean(), "dice_at_half": scores.mean(), "seed": seed}
        known |= {"threshold": threshold, "data": {"train": 9, "valid_sha256": "0123456789"}}
        return RunRecord(
            RunFolder(Path(name)),
            name,
            "finished",
            "",
            {key: float(v) if isinstance(v, np.floating) else v for key, v in known.items()}
            | summary,
            config,
            [],
            pd.DataFrame({"dice": scores}, index=list(map(str, range(len(scores))))),
        )

    return make
