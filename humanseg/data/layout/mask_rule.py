"""Which values of a mask are the person, where it is not simply the brighter one of two."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanseg.io.images import read_mask


@dataclass(frozen=True)
class MaskRule:
    """The rule for reading the masks of a data set."""

    # The values that are the person: of a palette image its indices, of a colour image its
    # brightness. Empty: of two values the brighter one.
    person_values: tuple[int, ...] = ()
    invert: bool = False  # whether person and background change places, after that

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "MaskRule":
        """Read the rule of a run from the `data` of its config, which may be older than rules."""
        return cls(tuple(data.get("person_values") or ()), bool(data.get("invert_masks")))

    def read(self, path: Path) -> NDArray[np.uint8]:
        """Read a mask: uint8 (H, W) in {0, 1}; with the errors of `read_mask`."""
        mask = read_mask(path, self.person_values)
        return 1 - mask if self.invert else mask

    def options(self) -> list[str]:
        """Return the options of a command that give this rule."""
        options = []
        if self.person_values:
            options.append(f"--person-values={','.join(map(str, self.person_values))}")
        if self.invert:
            options.append("--invert-masks")
        return options


AS_DRAWN = MaskRule()
"""The brighter one of two values is the person."""
