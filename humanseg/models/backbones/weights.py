"""Reads a backbone's weights from a safetensors file, and reports what does not fit."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from humanseg.errors import HumansegError, listed

_NAMED_AT_MOST = 8
# Batch norm's count of its steps does nothing at a fixed momentum: a file may lack it.
_COUNTER = "num_batches_tracked"


def load_backbone_file(features: nn.Module, name: str, path: Path) -> None:
    """Load the weights of a whole timm net into its ``features_only`` form.

    The classifier, and the layers behind the last map, exist in the file and not in ``features``:
    they are left out. Everything else must fit: a tensor that is missing, that no layer of the
    net knows, or that has another shape is an error.

    Parameters
    ----------
    features
        The net as ``timm.create_model(name, features_only=True)`` made it.
    name
        Its name in timm.
    path
        A ``.safetensors`` file with timm's parameter names.

    Raises
    ------
    HumansegError
        The file is missing, is not a safetensors file, or does not fit; the message names the
        keys.
    """
    stored = {_flat(key): (key, tensor) for key, tensor in _read(path, name).items()}
    wanted = {_flat(key): (key, tensor) for key, tensor in features.state_dict().items()}
    missing = [
        key
        for flat, (key, _) in wanted.items()
        if flat not in stored and not key.endswith(_COUNTER)
    ]
    known = wanted.keys() | {_flat(key) for key in _whole_net(name)}
    unexpected = sorted(
        key for flat, (key, _) in stored.items() if flat not in known and not key.endswith(_COUNTER)
    )
    wrong = [
        f"{stored[flat][0]} {tuple(stored[flat][1].shape)} instead of {tuple(tensor.shape)}"
        for flat, (_, tensor) in wanted.items()
        if flat in stored and stored[flat][1].shape != tensor.shape
    ]
    if missing or unexpected or wrong:
        raise HumansegError(
            f"The weights in {path} do not fit the backbone {name}."
            f"{_list('Missing', missing)}{_list('Unexpected', unexpected)}"
            f"{_list('Wrong shape', wrong)} Set backbone.weights to a file made for {name}, "
            "with timm's parameter names, or to none."
        )
    tensors = {key: stored[flat][1] for flat, (key, _) in wanted.items() if flat in stored}
    features.load_state_dict(tensors, strict=False)


def _flat(key: str) -> str:
    """Return the name of a parameter that both forms of a timm network share.

    ``features_only`` flattens sequences, so that ``stages.0.x`` becomes ``stages_0.x``, and some
    nets get a wrapper called ``model``.
    """
    return key.removeprefix("model.").replace(".", "_")


def _read(path: Path, name: str) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise HumansegError(
            f"The weights for the backbone {name} are not there: no file {path}. Set "
            "backbone.weights to a .safetensors file, to pretrained (which downloads them), or "
            "to none."
        )
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise HumansegError(
            f"The weights for the backbone {name} cannot be read: {path} is not a whole "
            f".safetensors file ({error}). Fetch the file again, or set backbone.weights=none."
        ) from error


def _whole_net(name: str) -> Iterable[str]:
    """Return the names of all parameters, with the classifier's, without allocating them."""
    with torch.device("meta"):
        return timm.create_model(name, pretrained=False).state_dict().keys()


def _list(title: str, keys: list[str]) -> str:
    if not keys:
        return ""
    return f" {title} ({len(keys)}): {listed(keys, _NAMED_AT_MOST)}."
