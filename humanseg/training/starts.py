"""The weights that a training starts from: those of runs, or of an exported file (`init_from`)."""

from collections.abc import Sequence
from pathlib import Path

from humanseg.data.module import PhotoData
from humanseg.errors import HumansegError
from humanseg.models import Segmenter
from humanseg.models.checkpoint import load_weights

_MEASURED = 16
"""Photos: more would need more memory than a training itself."""


def load_starts(segmenter: Segmenter, files: Sequence[Path]) -> None:
    """Load the weights of an exported file, of a checkpoint, or the mean of checkpoints.

    Raises
    ------
    HumansegError
        A file cannot be read, is of another model, or is exported and has others beside it.
    """
    exported = [file for file in files if is_onnx(file)]
    if not exported:
        load_weights(segmenter, *files)
    elif len(files) > 1:
        raise HumansegError(
            f"{exported[0]} is an exported file, whose weights cannot be averaged with others: "
            "give it alone, or the runs themselves: init_from=[RUN,RUN].",
            code="training.averaged_export",
        )
    else:
        # Most trainings start from no such file, and would load onnx for nothing.
        from humanseg.models.onnx.load_weights import load_exported

        load_exported(segmenter, exported[0])


def is_onnx(file: Path) -> bool:
    """Return whether the weights are those of an exported file and not of a checkpoint."""
    return file.suffix == ".onnx"


def measure_statistics(segmenter: Segmenter, photos: PhotoData) -> None:
    """Give a model of an exported file the statistics that its batch norms have lost."""
    from humanseg.models.onnx.load_weights import measure_batch_norms

    measure_batch_norms(segmenter, photos.first_samples(_MEASURED))
