"""A traced network as a `.pt2` file of torch.export."""

from pathlib import Path

import torch
from torch.export import ExportedProgram


def save_pt2(program: ExportedProgram, path: Path) -> None:
    """Write a traced network.

    Parameters
    ----------
    program
        From `trace`; its guards are removed.
    path
        A `.pt2` file, to be read by `torch.export.load`.
    """
    # Guards refuse every size for which torch might have chosen another memory layout on the way,
    # such as 320×240 and 1×1. No number depends on that: `verify` runs all sizes.
    program._guards_code = []
    torch.export.save(program, path)
