"""The terminal that a training writes to."""

from rich.console import Console

# One for the process, and no part of any object: it cannot travel to other processes.
console = Console(highlight=False, soft_wrap=True)
