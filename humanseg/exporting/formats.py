"""The files that an export may hold, and how closely each must follow the checkpoint."""

from collections.abc import Sequence
from dataclasses import dataclass

from humanseg.errors import HumansegError


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes
    ----------
    name
        What `--formats` calls it.
    file
        Its name in the export's folder.
    runtime
        `onnx`, run by onnxruntime, or `pt2`, run by torch.
    precision
        Of its weights, for the manifest.
    exact
        Whether it must give the checkpoint's own masks. Others may lose some Dice.
    """

    name: str
    file: str
    runtime: str
    precision: str
    exact: bool


FORMATS = {
    item.name: item
    for item in (
        Format("onnx", "model.onnx", "onnx", "fp32", exact=True),
        Format("int8", "model.int8.onnx", "onnx", "int8", exact=False),
        Format("fp16", "model.fp16.onnx", "onnx", "fp16 weights", exact=False),
        Format("pt2", "model.pt2", "pt2", "fp32", exact=True),
    )
}
"""By name, in the order in which they are written."""


def read_formats(names: Sequence[str]) -> list[Format]:
    """Look up formats by their names: several, or a text with commas between them.

    Returns
    -------
    list of Format
        Each once, in the order of `FORMATS`.

    Raises
    ------
    HumansegError
        A name is unknown, or there is none.
    """
    names = [name.strip() for name in (names.split(",") if isinstance(names, str) else names)]
    unknown = [name for name in names if name not in FORMATS]
    if unknown or not names:
        raise HumansegError(
            f"--formats takes {', '.join(FORMATS)}, separated by commas, not "
            f"{','.join(unknown) or 'nothing'}.",
            code="export.unknown_format",
        )
    return [item for name, item in FORMATS.items() if name in names]
