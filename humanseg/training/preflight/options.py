"""Options of a recipe whose type is right and whose value may be impossible."""

from humanseg.errors import HumansegError


def require_option(holds: bool, group: str, rule: str) -> None:
    """Raise a HumansegError that says which rule an option of a config group breaks."""
    if not holds:
        raise HumansegError(f"{group}.{rule}. Change it in conf/{group}, or on the command line.")
