"""The terminal that a training writes to."""

from rich.console import Console

# One for the process, and no part of any object: it cannot travel to other processes.
# Text stands as it is: in a path, brackets are no markup and colons no emoji.
console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
