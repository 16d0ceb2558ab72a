"""Paths that lead nowhere, found before torch is loaded: that takes seconds.

What a path holds is looked at later, where it is used.
"""

from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from humanseg.config.settings import NO_PATHS
from humanseg.data.layout.folders import require_root
from humanseg.errors import HumansegError
from humanseg.evaluation.evaluated_model import data_root
from humanseg.runs import RunFolder, open_run, require_free
from humanseg.training.request import named_paths, read_request


def require_paths(config: DictConfig) -> None:
    """Raise unless all that a new or a resumed run shall read and write can be there.

    Parameters
    ----------
    config
        As composed by Hydra.

    Raises
    ------
    HumansegError
        Something is not there, or something is in the way.
    """
    request = read_request(config)
    if not request.resume:
        require_free(request.folder)
    settled = request.config
    root = data_root(settled)
    if request.resume and root is not None and not root.is_dir():
        raise HumansegError(
            f"{request.folder} was trained on {root}, and there is no such folder now. Where the "
            "photos were moved, say where to: data.root=ROOT."
        )
    if root is not None:
        require_root(root)
    # What a run that goes on once started from need not be there any more.
    started = RunFolder(request.folder).last.is_file()
    for key in ("teacher",) if started else ("init_from", "teacher"):
        for path in named_paths(OmegaConf.select(settled, key)):
            if not path.is_file():
                open_run(path)
    weights = OmegaConf.select(settled, "backbone.weights")
    # Nor are they opened where a run starts from the weights of another.
    opened = not started and OmegaConf.select(settled, "init_from") is None
    if opened and isinstance(weights, str) and not (weights in NO_PATHS or Path(weights).exists()):
        raise HumansegError(
            f"backbone.weights={weights}: there is no such file. Set it to a .safetensors file, "
            "to pretrained (which downloads weights), or to none."
        )
