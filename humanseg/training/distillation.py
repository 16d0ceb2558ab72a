"""What finished runs say of the photos that another one learns from."""

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from omegaconf import DictConfig

from humanseg.config.load import load_run_config
from humanseg.data.cache.buffer import LayerCache, on_disk
from humanseg.data.cache.photos import items_sha256
from humanseg.data.module import PhotoData
from humanseg.data.splits import SplitName
from humanseg.errors import HumansegError, Refused
from humanseg.evaluation.predictor import load_predictor
from humanseg.runs import RunFolder, open_run
from humanseg.system.terminal import console
from humanseg.training.machine.hardware import Hardware
from humanseg.training.request import named_paths


def find_teachers(config: DictConfig) -> list[RunFolder]:
    """Find the runs that a config names as teachers.

    Parameters
    ----------
    config
        Of the run that learns.

    Returns
    -------
    list of RunFolder
        Empty where it learns from masks alone.

    Raises
    ------
    HumansegError
        A teacher is no run, or has no checkpoint; or there are unlabelled photos and no teacher.
    Refused
        A teacher has learnt from the photos that this run shall be judged by.
    """
    teachers = [open_run(path) for path in named_paths(config.get("teacher"))]
    if config.data.get("unlabelled") and not teachers:
        raise HumansegError(
            "data.unlabelled holds photos without masks, which only a teacher can make something "
            "of: give teacher=RUN, the folder of a finished run, or data.unlabelled=null."
        )
    for teacher in teachers:
        if not teacher.best.is_file():
            raise HumansegError(f"teacher={teacher.path} has no checkpoint yet: let it finish.")
        _require_unseen(teacher, config)
    return teachers


def ask(
    teachers: Sequence[RunFolder], photos: PhotoData, hardware: Hardware
) -> dict[SplitName, LayerCache]:
    """Ask teachers about every photo that is learnt from, once: the answers are kept on disk.

    Parameters
    ----------
    teachers
        At least one; their probabilities are averaged, and with those of the mirrored photo.
    photos
        Of which the train and the unlabelled ones are asked about, at their own size.
    hardware
        What the teachers run on, and in which precision: as what learns from them.

    Returns
    -------
    dict
        For each role its answers, in the order of its photos.
    """
    return {role: _answers(teachers, photos, role, hardware) for role in photos.splits.train_names}


def _answers(
    teachers: Sequence[RunFolder], photos: PhotoData, role: SplitName, hardware: Hardware
) -> LayerCache:
    items = photos.items(role)
    marks = sorted(hashlib.sha256(teacher.best.read_bytes()).hexdigest() for teacher in teachers)
    name = f"soft-{items_sha256(items, *marks, hardware.precision)}"
    sizes = np.array(photos.splits.at_original_size(role).sizes, dtype=np.int64)
    return on_disk(LayerCache, name, sizes, 1, partial(_fill, teachers, photos, role, hardware))


@torch.inference_mode()
def _fill(
    teachers: Sequence[RunFolder],
    photos: PhotoData,
    role: SplitName,
    hardware: Hardware,
    answers: LayerCache,
) -> None:
    models = [load_predictor(each, tta=True, device=hardware.device)[0] for each in teachers]
    places = {item.id: place for place, item in enumerate(photos.items(role))}
    console.print(f"Asking the teacher about {len(places)} {role} photos …")
    low = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}.get(hardware.precision)
    for batch in photos.whole_photos(role):
        with torch.autocast(hardware.device, low, enabled=low is not None):
            image = batch["image"]
            said = torch.stack([each.probabilities(image).float() for each in models])
        levels = (said.mean(0) * 255).round().to(torch.uint8).cpu().numpy()
        for index, identity in enumerate(batch["id"]):
            answers[places[identity]][...] = levels[index, 0]


def _require_unseen(teacher: RunFolder, config: DictConfig) -> None:
    """Refuse a teacher that was trained on the fold that this run validates on."""
    its_own = load_run_config(teacher.config).data
    wanted, has = ((one.get("fold"), one.get("folds")) for one in (config.data, its_own))
    same_root = Path(str(its_own.get("root"))).resolve() == Path(str(config.data.root)).resolve()
    if config.data.get("fold") is not None and same_root and wanted != has:
        raise Refused(
            f"teacher={teacher.path} was trained with data.fold={has[0]} of {has[1]}, and so on "
            f"photos that fold {wanted[0]} of {wanted[1]} validates on: the score would be too "
            "good. Take a teacher that was trained on the same fold."
        )
