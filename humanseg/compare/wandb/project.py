"""A wandb project, given as ENTITY/PROJECT, and quiet access to it."""

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from humanseg.errors import HumansegError
from humanseg.system.variables import environment_with

# What wandb allows in names, and none of what an address has around them.
_FORM = re.compile(r"([^/\\#?%:\s]+)/([^/\\#?%:\s]+)")


@dataclass(frozen=True)
class Project:
    """A project in wandb.

    Attributes
    ----------
    entity
        The person or the team that owns it.
    name
        What it is called there.
    """

    entity: str
    name: str

    @classmethod
    def parse(cls, text: str) -> "Project":
        """Read a project from its ``ENTITY/PROJECT``.

        Raises
        ------
        HumansegError
            The text has another form.
        """
        found = _FORM.fullmatch(text)
        if found is None:
            raise HumansegError(
                f"--wandb {text} names no project of wandb: give ENTITY/PROJECT, the person or "
                "the team and then the project, as they stand at the end of its address."
            )
        return cls(*found.groups())

    @property
    def path(self) -> str:
        """Its `ENTITY/PROJECT`."""
        return f"{self.entity}/{self.name}"


@contextmanager
def quiet_wandb() -> Iterator[Mapping[str, str]]:
    """Silence wandb, and write its logs to a temporary folder.

    Yields the environment that does so, for other processes, of which one wants to read what they
    say. That of this one is changed too, and here wandb says nothing.
    """
    with tempfile.TemporaryDirectory(
        prefix="humanseg-wandb-", ignore_cleanup_errors=True
    ) as folder:
        variables = {
            "WANDB_DIR": folder,
            "WANDB_CACHE_DIR": folder,
            # Usage and crashes, which it sends to where it logs in.
            "WANDB_ERROR_REPORTING": "false",
            "WANDB_SILENT": "true",
            # Whoever trains offline by it still wants this.
            "WANDB_MODE": None,
        }
        with environment_with(variables):
            yield {**os.environ, "WANDB_SILENT": "false"}
