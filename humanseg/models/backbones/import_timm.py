"""The first import of timm.

timm imports wandb wherever it is installed, only for a function that is not used here. A training
that does not log there shall not load it.
"""

import sys

_loaded = "wandb" in sys.modules
if not _loaded:
    # None makes an import fail, as if it were not installed; timm continues without it.
    sys.modules["wandb"] = None  # type: ignore[assignment]
try:
    import timm  # noqa: F401
finally:
    if not _loaded:
        del sys.modules["wandb"]
