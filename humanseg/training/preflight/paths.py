"""Finds paths that do not exist, before torch is loaded, which takes seconds.

What a path holds is looked at later, where it is used.
"""

from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from humanseg.config.settings import NO_PATHS
from humanseg.data.layout.folders import require_root
from humanseg.errors import HumansegError
from humanseg.evaluation.evaluated_model import data_root
from humanseg.inference.named_model import resolve_model
from humanseg.runs import RunFolder, open_run, require_free
from humanseg.training.machine.ranks import find_rank
from humanseg.training.preflight.unseen import require_unseen_teacher
from humanseg.training.request import named_paths, read_request

TEACHERS = "distillation.teachers"


def require_source(key: str, path: Path, config: DictConfig) -> None:
    """Raise unless a run's `init_from`, or one of its teachers, is there and may be used."""
    if key == TEACHERS:
        require_unseen_teacher(resolve_model(path), config)
    elif not path.is_file():
        open_run(path)


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
