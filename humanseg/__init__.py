"""Cut people out of photos: from five folders to the best checkpoint and its files."""

from typing import TYPE_CHECKING

from humanseg.system.telemetry import switch_off

# Before anything else is imported: dependencies look once, when they are imported.
switch_off()

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from humanseg.inference import Model
    from humanseg.inference.providers import Provider

__all__ = ["__version__", "load"]

__version__ = "0.2.0"


def load(
    path: "str | PathLike[str] | None" = None,
    threads: int | None = None,
    providers: "Provider | Sequence[Provider] | None" = None,
) -> "Model":
    """Load a model that cuts people out of photos; torch is not needed.

    Parameters
    ----------
    path
        A `.onnx` file that `humanseg export` wrote, or the folder it wrote; None: the small model
        that ships with humanseg.
    threads
        How many processor cores one photo may use; None: all.
    providers
        What onnxruntime runs it on, the preferred first: such as "cuda", "coreml", "directml" or
        "openvino", where this onnxruntime has it; its own names and options are taken too, as in
        ``[("CUDAExecutionProvider", {"device_id": 1})]``. None: the processor.

    Returns
    -------
    Model
        To be called with a photo: an array, a path, the bytes of a file, an open file or a PIL
        image. It returns the mask, at the photo's size.

    Raises
    ------
    HumansegError
        There is no such file, it is not a model that humanseg can use, or a provider cannot be
        had; the message says why.

    Examples
    --------
    >>> model = humanseg.load()  # doctest: +SKIP
    >>> mask = model("holiday.jpg")  # doctest: +SKIP
    """
    # Here, so that `import humanseg` alone costs nothing.
    from humanseg.inference import load_model

    return load_model(path, threads, providers)
