"""Finds paths that do not exist, before torch is loaded, which takes seconds.

What a path holds is looked at later, where it is used.
"""

from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from humanseg.config.settings import NO_PATHS
from humanseg.data.layout.folders import require_root
from humanseg.errors import HumansegError
from humanseg.evaluation.evaluated_model import data_root
from humanseg.inference.catalog import bundled_models
from humanseg.inference.model_file import first_model
from humanseg.inference.named_model import is_bundled, resolve_model
from humanseg.runs import RunFolder, open_run, require_free
from humanseg.training.machine.ranks import find_rank
from humanseg.training.preflight.unseen import require_unseen_teacher
from humanseg.training.request import named_paths, read_request

TEACHERS = "distillation.teachers"


def require_source(key: str, path: Path, config: DictConfig) -> None:
    """Raise unless a run's `init_from`, or one of its teachers, is there and may be used."""
    if key == TEACHERS:
        require_unseen_teacher(resolve_model(path), config)
    else:
        find_start(path)


def find_start(path: Path) -> Path:
    """Find the file that an entry of `init_from` means.

    Returns
    -------
    Path
        The file itself, the ONNX file of a bundled model or of an export, or the best checkpoint
        of a run.

    Raises
    ------
    HumansegError
        None of these is there.
    """
    if path.is_file():
        return path
    if is_bundled(str(path)):
        return bundled_models()[str(path)].file
    if not path.exists():
        raise HumansegError(
            f"init_from={path}: there is nothing at this path. Give the folder of a run or of an "
            f"export, a checkpoint, or the name of a bundled model: {', '.join(bundled_models())}.",
            code="runs.not_there",
        )
    # A run may hold its ONNX file too, and then its checkpoint is meant.
    if not RunFolder(path).config.is_file() and (file := first_model(path)) is not None:
        return file
    return open_run(path).best


def require_paths(config: DictConfig) -> None:
    """Raise unless all that a new or a resumed run reads exists, and its folder is free."""
    request = read_request(config)
    config = request.config
    # The first process of several may have made it meanwhile.
    if not request.resume and find_rank(config).first:
        require_free(request.folder)
    root = data_root(config)
    if request.resume and root is not None and not root.is_dir():
        raise HumansegError(
            f"{request.folder} was trained on {root}, and there is no such folder now. Where the "
            "photos were moved, give their folder: data.root=ROOT."
        )
    if root is not None:
        require_root(root)
    # What a run that continues once started from need not be there any more.
    started = RunFolder(request.folder).last.is_file()
    for key in (TEACHERS,) if started else ("init_from", TEACHERS):
        for path in named_paths(OmegaConf.select(config, key)):
            require_source(key, path, config)
    weights = OmegaConf.select(config, "backbone.weights")
    # Nor are they opened where a run starts from the weights of another.
    opened = not started and OmegaConf.select(config, "init_from") is None
    if opened and isinstance(weights, str) and not (weights in NO_PATHS or Path(weights).exists()):
        raise HumansegError(
            f"backbone.weights={weights}: there is no such file. Set it to a .safetensors file, "
            "to pretrained (which downloads weights), or to none."
        )
