"""The provenance of a run: weights and photos other than its five folders."""

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from humanseg.config.settings import NO_PATHS
from humanseg.data.module import PhotoData
from humanseg.inference.named_model import NamedModel
from humanseg.io.files import file_sha256
from humanseg.models.checkpoint import find_checkpoint
from humanseg.training.distillation import weights_file
from humanseg.training.request import named_paths


def hash_sources(
    config: DictConfig,
    photos: PhotoData,
    teachers: Sequence[NamedModel],
    resumed: bool = False,
) -> dict[str, list[str]]:
    """Return a SHA-256 for each file or folder that a config names: a path alone does not tell."""
    starts = named_paths(config.init_from)
    weights = config.backbone.get("weights", "none")
    # A run that starts from another opens no weights for its backbone.
    opened = [] if starts or weights in NO_PATHS else [Path(weights)]
    files = {"distillation.teachers": list(map(weights_file, teachers))}
    if not resumed:
        files |= {"init_from": list(map(find_checkpoint, starts)), "backbone.weights": opened}
    sources = {key: [file_sha256(path) for path in paths] for key, paths in files.items() if paths}
    if photos.splits.unlabelled is not None:
        sources["distillation.unlabelled_dir"] = [photos.splits.pixels_sha256("unlabelled")]
    return sources
