"""Distillation: the soft labels of a run, predicted by finished models."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from humanseg.data.cache.buffer import LayerCache, on_disk
from humanseg.data.cache.photos import items_sha256
from humanseg.data.module import PhotoData
from humanseg.data.splits import SplitName
from humanseg.errors import HumansegError
from humanseg.evaluation.exported import ExportPredictor
from humanseg.evaluation.predictor import load_predictor
from humanseg.inference.load import load_model
from humanseg.inference.named_model import NamedModel, resolve_model
from humanseg.io.files import file_sha256
from humanseg.system.terminal import console
from humanseg.training.machine.hardware import Hardware
from humanseg.training.preflight.unseen import require_unseen_teacher
from humanseg.training.request import named_paths


def unlabelled_options(config: DictConfig) -> dict[str, Any]:
    """Return what the data of a run take of its distillation; nothing without unlabelled photos."""
    folder = OmegaConf.select(config, "distillation.unlabelled_dir")
    least = OmegaConf.select(config, "distillation.min_confidence", default=0.0)
    return {} if folder is None else {"unlabelled": folder, "min_confidence": least}


def find_teachers(config: DictConfig) -> list[NamedModel]:
    """Return the models that a config names as teachers; raise where one cannot teach this run."""
    named = named_paths(OmegaConf.select(config, "distillation.teachers"))
    teachers = [resolve_model(path) for path in named]
    if OmegaConf.select(config, "distillation.unlabelled_dir") and not teachers:
        raise HumansegError(
            "distillation.unlabelled_dir holds unlabelled photos, which only a teacher can make "
            "something of: give distillation.teachers=RUN, the folder of a finished run or "
            "another model, or distillation.unlabelled_dir=null."
        )
    for teacher in teachers:
        require_unseen_teacher(teacher, config)
    return teachers


def weights_file(teacher: NamedModel) -> Path:
    """Return the file that a teacher predicts by: its checkpoint, or else its ONNX file."""
    if teacher.run is not None and teacher.run.best.is_file():
        return teacher.run.best if teacher.path.is_dir() else teacher.path
    assert teacher.onnx is not None
    return teacher.onnx


def predict_soft_labels(
    teachers: Sequence[NamedModel], photos: PhotoData, hardware: Hardware, extra: bool = True
) -> dict[SplitName, LayerCache]:
    """Predict the soft labels of every training photo, or of all but the extra ones.

    They are the mean probability of all teachers, test-time augmentation included, by role; they
    are cached on disk.
    """
    return {
        role: _soft_labels(teachers, photos, role, hardware)
        for role in photos.splits.train_names
        if extra or role != "extra"
    }


def _soft_labels(
    teachers: Sequence[NamedModel], photos: PhotoData, role: SplitName, hardware: Hardware
) -> LayerCache:
    items = photos.items(role)
    files = sorted(file_sha256(weights_file(teacher)) for teacher in teachers)
    name = f"soft-{items_sha256(items, *files, hardware.precision)}"
    sizes = np.array(photos.splits.at_original_size(role).sizes, dtype=np.int64)
    return on_disk(LayerCache, name, sizes, 1, partial(_fill, teachers, photos, role, hardware))


@torch.inference_mode()
def _fill(
    teachers: Sequence[NamedModel],
    photos: PhotoData,
    role: SplitName,
    hardware: Hardware,
    soft_labels: LayerCache,
) -> None:
    models = [_load(teacher, hardware.device) for teacher in teachers]
    index_of = {item.id: index for index, item in enumerate(photos.items(role))}
    console.print(f"Predicting soft labels of {len(index_of)} {role} photos …")
    low = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}.get(hardware.precision)
    for batch in photos.whole_photos(role):
        with torch.autocast(hardware.device, low, enabled=low is not None):
            image = batch["image"]
            probabilities = torch.stack([probabilities(image).cpu() for probabilities in models])
        levels = (probabilities.mean(0) * 255).round().to(torch.uint8).numpy()
        for index, identity in enumerate(batch["id"]):
            soft_labels[index_of[identity]][...] = levels[index, 0]


def _load(teacher: NamedModel, device: str) -> Callable[[Tensor], Tensor]:
    """Load what returns a teacher's probabilities (N,1,H,W) of photos uint8 (N,3,H,W)."""
    file = weights_file(teacher)
    if file == teacher.onnx:
        exported = ExportPredictor(load_model(file), tta=True)
        return lambda image: torch.from_numpy(exported(image))[:, None]
    assert teacher.run is not None
    model, _ = load_predictor(teacher.run, checkpoint=file, tta=True, device=device)
    return lambda image: model.probabilities(image).float()
