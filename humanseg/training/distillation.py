"""Distillation: the soft labels that a run learns from, predicted by finished runs."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import DictConfig, OmegaConf

from humanseg.config.load import load_run_config
from humanseg.data.cache.buffer import LayerCache, on_disk
from humanseg.data.cache.photos import items_sha256
from humanseg.data.module import PhotoData
from humanseg.data.splits import SplitName
from humanseg.errors import HumansegError, Refused
from humanseg.evaluation.predictor import load_predictor
from humanseg.io.files import file_sha256
from humanseg.runs import RunFolder, open_run
from humanseg.system.terminal import console
from humanseg.training.machine.hardware import Hardware
from humanseg.training.request import named_paths


def unlabelled_options(config: DictConfig) -> dict[str, Any]:
    """Return what the data of a run take of its distillation; nothing without unlabelled photos."""
    folder = OmegaConf.select(config, "distillation.unlabelled_dir")
    least = OmegaConf.select(config, "distillation.min_confidence", default=0.0)
    return {} if folder is None else {"unlabelled": folder, "min_confidence": least}


def find_teachers(config: DictConfig) -> list[RunFolder]:
    """Return the runs that a config names as teachers; raise where one cannot teach this run."""
    teachers = [
        open_run(path) for path in named_paths(OmegaConf.select(config, "distillation.teachers"))
    ]
    if OmegaConf.select(config, "distillation.unlabelled_dir") and not teachers:
        raise HumansegError(
            "distillation.unlabelled_dir holds unlabelled photos, which only a teacher can make "
            "something of: give distillation.teachers=RUN, the folder of a finished run, or "
            "distillation.unlabelled_dir=null."
        )
    for teacher in teachers:
        if not teacher.best.is_file():
            raise HumansegError(
                f"distillation.teachers={teacher.path} has no checkpoint yet: let it finish.",
                code="training.teacher",
            )
        _require_unseen(teacher, config)
    return teachers


def predict_soft_labels(
    teachers: Sequence[RunFolder], photos: PhotoData, hardware: Hardware
) -> dict[SplitName, LayerCache]:
    """Predict the soft labels of every photo that is learnt from; they are cached on disk.

    They are the mean probability of all teachers, test-time augmentation included, by role.
    """
    return {
        role: _soft_labels(teachers, photos, role, hardware) for role in photos.splits.train_names
    }


def _soft_labels(
    teachers: Sequence[RunFolder], photos: PhotoData, role: SplitName, hardware: Hardware
) -> LayerCache:
    items = photos.items(role)
    checkpoints = sorted(file_sha256(teacher.best) for teacher in teachers)
    name = f"soft-{items_sha256(items, *checkpoints, hardware.precision)}"
    sizes = np.array(photos.splits.at_original_size(role).sizes, dtype=np.int64)
    return on_disk(LayerCache, name, sizes, 1, partial(_fill, teachers, photos, role, hardware))


@torch.inference_mode()
def _fill(
    teachers: Sequence[RunFolder],
    photos: PhotoData,
    role: SplitName,
    hardware: Hardware,
    soft_labels: LayerCache,
) -> None:
    models = [load_predictor(each, tta=True, device=hardware.device)[0] for each in teachers]
    index_of = {item.id: index for index, item in enumerate(photos.items(role))}
    console.print(f"Predicting soft labels of {len(index_of)} {role} photos …")
    low = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}.get(hardware.precision)
    for batch in photos.whole_photos(role):
        with torch.autocast(hardware.device, low, enabled=low is not None):
            image = batch["image"]
            probabilities = torch.stack([model.probabilities(image).float() for model in models])
        levels = (probabilities.mean(0) * 255).round().to(torch.uint8).cpu().numpy()
        for index, identity in enumerate(batch["id"]):
            soft_labels[index_of[identity]][...] = levels[index, 0]


def _require_unseen(teacher: RunFolder, config: DictConfig) -> None:
    """Raise where a teacher was trained on the fold that this run validates on."""
    its_own = load_run_config(teacher.config).data
    wanted, has = ((data.get("fold"), data.get("folds")) for data in (config.data, its_own))
    same_root = Path(str(its_own.get("root"))).resolve() == Path(str(config.data.root)).resolve()
    if config.data.get("fold") is not None and same_root and wanted != has:
        raise Refused(
            f"distillation.teachers={teacher.path} was trained with data.fold={has[0]} of "
            f"{has[1]}, and so on photos that fold {wanted[0]} of {wanted[1]} validates on: the "
            "score would be too good. Take a teacher that was trained on the same fold."
        )
