"""The console that a training prints to."""

import logging
import warnings

from rich.console import Console

# One for the process, and no part of any object: it cannot travel to other processes.
# Text stands as it is: in a path, brackets are no markup and colons no emoji.
console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)


def quieten() -> None:
    """Silence warnings that a person cannot act on."""
    for name in ("pytorch_lightning", "lightning_fabric", "torch.multiprocessing.spawn"):
        warnings.filterwarnings("ignore", module=name)
        logging.getLogger(name).setLevel(logging.ERROR)
