"""wandb at work without a word, and without files where nobody looks for them."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def quiet_wandb() -> Iterator[Mapping[str, str]]:
    """Have wandb report nothing on its own, and put its logs where they are gone at the end.

    Yields
    ------
    Mapping
        The environment that does so, for other processes, of which one wants to read what they
        say. That of this one is changed too, and here wandb says nothing.
    """
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(
        prefix="humanseg-wandb-", ignore_cleanup_errors=True
    ) as folder:
        own = {
            "WANDB_DIR": folder,
            "WANDB_CACHE_DIR": folder,
            # Usage and crashes, which it sends to where it logs in.
            "WANDB_ERROR_REPORTING": "false",
            "WANDB_SILENT": "true",
        }
        os.environ.update(own)
        # Whoever trains offline by it still wants this.
        os.environ.pop("WANDB_MODE", None)
        try:
            yield {**os.environ, "WANDB_SILENT": "false"}
        finally:
            for key in (*own, "WANDB_MODE"):
                os.environ.pop(key, None)
                if key in before:
                    os.environ[key] = before[key]
