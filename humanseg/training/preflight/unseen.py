"""Refuses runs that were trained on the photos that a fold validates on."""

from pathlib import Path

from omegaconf import DictConfig

from humanseg.config.load import load_run_config
from humanseg.errors import HumansegError, Refused
from humanseg.inference.named_model import NamedModel, is_bundled
from humanseg.runs import RunFolder, open_run
from humanseg.training.request import named_paths


def require_unseen_starts(config: DictConfig) -> None:
    """Raise where `init_from` may know the photos of the fold that a run validates on."""
    if config.data.get("fold") is None:
        return
    for path in named_paths(config.init_from):
        try:
            run = open_run(path)
        except HumansegError:
            if not (path.exists() or is_bundled(str(path))):
                raise
            raise Refused(
                f"init_from={path} is no run, and nothing says whether it was trained on the "
                f"photos that fold {config.data.fold} validates on: the score would be too "
                "good. Take a run that was trained on the same fold.",
                code="training.other_fold",
            ) from None
        require_unseen(run, "init_from", path, config)


def require_unseen_teacher(teacher: NamedModel, config: DictConfig) -> None:
    """Raise where a teacher may have been trained on the fold that this run validates on."""
    if config.data.get("fold") is None:
        return
    if teacher.run is None:
        raise Refused(
            f"distillation.teachers={teacher.path} is an exported model, which may have been "
            f"trained on the photos that fold {config.data.fold} validates on: the score would be "
            "too good. Take a run that was trained on the same fold.",
            code="training.other_fold",
        )
    require_unseen(teacher.run, "distillation.teachers", teacher.path, config)


def require_unseen(run: RunFolder, setting: str, path: Path, config: DictConfig) -> None:
    """Raise where a run, which a setting names by a path, was trained on another fold, if any."""
    if config.data.get("fold") is None:
        return
    its_own = load_run_config(run.config).data
    wanted, has = ((data.get("fold"), data.get("folds")) for data in (config.data, its_own))
    same_root = Path(str(its_own.get("root"))).resolve() == Path(str(config.data.root)).resolve()
    if same_root and wanted != has:
        raise Refused(
            f"{setting}={path} was trained with data.fold={has[0]} of {has[1]}, and so on photos "
            f"that fold {wanted[0]} of {wanted[1]} validates on: the score would be too good. Take "
            "a run that was trained on the same fold.",
            code="training.other_fold",
        )
