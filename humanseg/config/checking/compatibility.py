"""Whether a model fits a backbone, tried on torch's meta device, which holds no numbers."""

import json
from typing import Any

from omegaconf import DictConfig, OmegaConf

from humanseg.config.build import build
from humanseg.errors import HumansegError, first_line


def pair_key(config: DictConfig) -> str:
    """Return the same text for configs whose model and backbone are the same but for weights."""
    return json.dumps(
        [OmegaConf.to_container(config.model, resolve=True), _backbone(config)], sort_keys=True
    )


def _backbone(config: DictConfig) -> dict[str, Any]:
    """Return the config of a backbone with random weights."""
    backbone: Any = OmegaConf.to_container(config.backbone, resolve=True)
    return backbone | ({"weights": "none"} if "weights" in backbone else {})


def pair_mistake(config: DictConfig) -> str | None:
    """Return why the model of a config does not fit its backbone, in one sentence that names both.

    Both are built, and the net is run once, without numbers: no weights are opened, and no memory
    for them is taken.
    """
    names = f"{config.model.get('_target_')} on {config.backbone.get('name', 'this backbone')}"
    try:
        side, shape = _try(config)
    except HumansegError as error:
        return f"model: {names} is impossible: {error}"
    except Exception as error:
        return f"model: {names} fails: {type(error).__name__}: {first_line(error)}"
    if shape != (2, 1, side, side):
        return f"model: {names} gives logits of shape {shape} for photos of {side} x {side}"
    return None


def count_parameters(config: DictConfig) -> int:
    """Count the parameters of a config's model on its backbone, of a pair that is possible."""
    net, _ = _build_pair(config)
    return sum(parameter.numel() for parameter in net.parameters())


def _try(config: DictConfig) -> tuple[int, tuple[int, ...]]:
    """Run the net once; return the side of the photos and the shape of the logits."""
    import torch

    net, stride = _build_pair(config)
    side = 2 * stride
    with torch.device("meta"), torch.no_grad():
        return side, tuple(net.eval()(torch.empty(2, 3, side, side)).shape)


def _build_pair(config: DictConfig) -> tuple[Any, int]:
    """Build a net on its backbone, without numbers or weights; return it and its stride."""
    import torch

    with torch.device("meta"):
        backbone = build(_backbone(config))
        return build(config.model, backbone=backbone), backbone.stride


def weight_shapes(config: DictConfig) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a config's weights by name, of a pair that is possible."""
    net, _ = _build_pair(config)
    return {name: tuple(weight.shape) for name, weight in net.state_dict().items()}
