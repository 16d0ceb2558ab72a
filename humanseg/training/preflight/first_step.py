"""Checks that a model can take a step, on torch's meta device, which computes no numbers."""

import torch
from omegaconf import DictConfig

from humanseg.data.module import PhotoData
from humanseg.errors import HumansegError, first_line
from humanseg.models.checkpoint import make_segmenter, without_weights


def require_step(config: DictConfig, photos: PhotoData, processes: int = 1) -> None:
    """Raise unless a model turns a batch into logits of its size."""
    share = -(-len(photos.split("train").items) // processes)
    count, (height, width) = min(photos.batch_size, share), photos.sample_size()
    name = str(config.model.get("_target_"))
    try:
        with torch.device("meta"), torch.no_grad():
            segmenter = make_segmenter(without_weights(config))
            batch = torch.empty((count, 3, height, width), dtype=torch.uint8)
            outputs = segmenter.train()(batch)
    except HumansegError:
        raise
    except Exception as error:
        if isinstance(error, NotImplementedError) or "meta" in str(error):
            return  # It needs numbers to continue: the first step tells.
        first = first_line(error)
        if "more than 1 value per channel" in first:
            raise HumansegError(
                f"Batches of {count} photos of {height}×{width} are too small for {name}: its "
                "batch norm has a single value of each channel left. Raise data.batch_size or "
                "data.crop_size."
            ) from error
        raise HumansegError(
            f"{name} fails on a batch of {count} photos of {height}×{width}: {first}"
        ) from error
    for logits in outputs if isinstance(outputs, list) else [outputs]:
        shape = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
        if shape != (count, 1, height, width):
            raise HumansegError(
                f"{name} gives {shape} for a batch of {count} photos of {height}×{width}: it must "
                f"give logits of shape {(count, 1, height, width)}, or a list of such."
            )
