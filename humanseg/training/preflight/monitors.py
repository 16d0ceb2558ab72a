"""The scores that early stopping may watch."""

from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl

from humanseg.errors import HumansegError, nearest
from humanseg.training.callbacks.checkpoints import SELECTION, SOURCES
from humanseg.training.callbacks.history import SCORES

_OURS = ("humanseg", "pytorch_lightning")


def require_monitors(callbacks: Mapping[str, pl.Callback], has_sources: bool) -> None:
    """Raise where a callback watches a score that no epoch will have.

    Lightning would say so when the first epoch is over. A callback of a person's own may log more.
    """
    if any(type(callback).__module__.split(".")[0] not in _OURS for callback in callbacks.values()):
        return
    scores = ["train/loss", *(f"val/{name}" for name in SCORES), SELECTION]
    scores += [SOURCES] if has_sources else []
    for name, callback in callbacks.items():
        watched: Any = getattr(callback, "monitor", None)
        if isinstance(watched, str) and watched not in scores:
            hint = nearest(watched, scores) or "."
            raise HumansegError(
                f"callbacks.{name}.monitor={watched}: an epoch has no such score{hint} It has "
                f"{', '.join(scores)}.",
                code="training.unknown_monitor",
            )
