"""Whether a model can stand on a backbone: tried on torch's meta device, which holds no numbers."""

import json
from typing import Any

from omegaconf import DictConfig, OmegaConf

from humanseg.config.build import build
from humanseg.errors import HumansegError


def pair_key(config: DictConfig) -> str:
    """Return the same text for two configs whose model and backbone are the same."""
    nodes = [OmegaConf.to_container(config[name], resolve=True) for name in ("model", "backbone")]
    return json.dumps(nodes, sort_keys=True)


def pair_mistake(config: DictConfig) -> str | None:
    """Say why the model of a config cannot stand on its backbone.

    Both are built, and the net is run once, without numbers: no weights are opened, and no
    memory for them is taken.

    Parameters
    ----------
    config
        With `model` and `backbone`, already checked against their signatures.

    Returns
    -------
    str or None
        One sentence that names both; None when they fit.
    """
    import torch

    names = f"{config.model.get('_target_')} on {config.backbone.get('name', 'this backbone')}"
    plain: Any = OmegaConf.to_container(config.backbone, resolve=True)
    if "weights" in plain:
        plain["weights"] = "none"
    try:
        with torch.device("meta"), torch.no_grad():
            backbone = build(plain)
            net = build(config.model, backbone=backbone).eval()
            side = 2 * backbone.stride
            shape = net(torch.empty(2, 3, side, side)).shape
    except HumansegError as error:
        return f"model: {names} is impossible: {error}"
    except Exception as error:
        return f"model: {names} fails: {type(error).__name__}: {str(error).splitlines()[0]}"
    if tuple(shape) != (2, 1, side, side):
        return f"model: {names} gives logits of shape {tuple(shape)} for photos of {side} x {side}"
    return None
