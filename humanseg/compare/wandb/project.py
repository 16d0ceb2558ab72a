"""A project in wandb, as a person names it."""

import re
from dataclasses import dataclass

from humanseg.errors import HumansegError

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
