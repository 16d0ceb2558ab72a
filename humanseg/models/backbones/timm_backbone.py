"""Any encoder of the timm library as a backbone."""

import difflib
from pathlib import Path
from typing import Any

import timm
import torch
from huggingface_hub import try_to_load_from_cache
from huggingface_hub.constants import ENDPOINT, SAFETENSORS_SINGLE_FILE
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import Tensor, nn

from humanseg.errors import HumansegError, first_line
from humanseg.models.backbones.base import Backbone
from humanseg.models.backbones.same_padding import fix_same_padding
from humanseg.models.backbones.weights import load_backbone_file
from humanseg.system.network import unreachable


class TimmBackbone(Backbone):
    """A timm encoder (https://huggingface.co/docs/timm) cut down to its feature maps.

    Parameters
    ----------
    name
        Name in timm, for example ``resnet18`` or ``tf_efficientnet_lite0``.
    weights
        ``none``: random, as timm initialises the net. ``pretrained``: timm's own download, the
        only value that touches the network. Anything else: path of a ``.safetensors`` file of
        the whole net, with timm's parameter names.
    output_stride
        Reduction of the last map: 32, or 16 or 8 where the encoder can be dilated instead
        (Chen et al. 2017, https://arxiv.org/abs/1706.05587).
    stages
        How many maps to keep, finest first; what is behind the last of them is not built.
        None keeps all.

    Raises
    ------
    HumansegError
        Unknown name; an encoder that has no feature maps, or does not take photos of any size;
        an output stride that it does not support; weights that are missing, cannot be downloaded
        or do not fit.
    """

    def __init__(
        self,
        name: str,
        weights: str = "none",
        output_stride: int = 32,
        stages: int | None = None,
    ) -> None:
        super().__init__()
        _require_known(name)
        self.name = name
        self.features = _create(name, weights == "pretrained", output_stride, stages)
        if weights not in ("none", "pretrained"):
            load_backbone_file(self.features, name, Path(weights).expanduser())
        _drop_unused_blocks(self.features)
        fix_same_padding(self.features)
        info: Any = self.features.feature_info
        self.channels = [int(channels) for channels in info.channels()]
        self.reductions = [int(reduction) for reduction in info.reduction()]
        self.stride = max(self.reductions)
        self.mean, self.std = _normalisation(name)
        self._require_stride(output_stride, stages)
        self._require_any_size()

    def forward(self, image: Tensor) -> list[Tensor]:
        """Compute the feature maps; see `Backbone.forward`."""
        return list(self.features(image))

    def _require_stride(self, output_stride: int, stages: int | None) -> None:
        # 32 is "leave it as it is": some encoders end earlier by nature.
        if output_stride != 32 and stages is None and self.stride != output_stride:
            raise _unsupported_stride(self.name, output_stride, f"it ends at {self.stride}")

    def _require_any_size(self) -> None:
        """Run the encoder once on a small oblong input: decoders rely on what it declares."""
        height, width = 2 * self.stride, 3 * self.stride
        parameter = next(self.features.parameters())
        probe = torch.zeros(1, 3, height, width, device=parameter.device, dtype=parameter.dtype)
        was_training = self.features.training
        self.features.eval()
        try:
            with torch.no_grad():
                shapes = [tuple(feature.shape) for feature in self.features(probe)]
        except (AssertionError, RuntimeError, ValueError) as error:
            raise HumansegError(
                f"The backbone {self.name} does not take photos of any size "
                f"({first_line(error)}). Choose another backbone."
            ) from error
        finally:
            self.features.train(was_training)
        declared = [
            (1, channels, height // reduction, width // reduction)
            for channels, reduction in zip(self.channels, self.reductions, strict=True)
        ]
        if shapes != declared:
            raise HumansegError(
                f"The backbone {self.name} gives maps of the shapes {shapes} where its "
                f"description says {declared}. Choose another backbone."
            )


def _require_known(name: str) -> None:
    if timm.is_model(name):
        return
    near = difflib.get_close_matches(name, timm.list_models(), n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise HumansegError(
        f"timm has no net called {name!r} (backbone.name).{hint} "
        "The names are listed by python -c 'import timm; print(timm.list_models())'."
    )


def _normalisation(name: str) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Look up the normalisation of timm's weights of this network, even if they are not used."""
    config: Any = timm.get_pretrained_cfg(name)
    if config is None:
        return IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
    red, green, blue = config.mean
    spread_red, spread_green, spread_blue = config.std
    return (red, green, blue), (spread_red, spread_green, spread_blue)


def _create(name: str, pretrained: bool, output_stride: int, stages: int | None) -> nn.Module:
    options: dict[str, Any] = {}
    if output_stride != 32:
        options["output_stride"] = output_stride
    if stages is not None:
        options["out_indices"] = tuple(range(stages))
    try:
        # Random first, even where weights will be downloaded: so a wrong pair is named as such
        # and is not mistaken for a failed download.
        features = timm.create_model(name, pretrained=False, features_only=True, **options)
    except (TypeError, AssertionError, ValueError, NotImplementedError) as error:
        if "output_stride" in options and _has_features(name):
            raise _unsupported_stride(name, output_stride, first_line(error)) from error
        raise _no_features(name, stages, error) from error
    except (RuntimeError, AttributeError, IndexError) as error:
        raise _no_features(name, stages, error) from error
    if not pretrained:
        return features
    file = _cached(name)
    if file is not None:
        options["pretrained_cfg_overlay"] = {"file": file}
    elif reason := unreachable(_source(name)):
        raise HumansegError(
            f"The ImageNet weights of the backbone {name} could not be downloaded: {_source(name)} "
            f"cannot be reached ({reason}). Without a network, set backbone.weights to a "
            ".safetensors file or to none."
        )
    try:
        return timm.create_model(name, pretrained=True, features_only=True, **options)
    except Exception as error:  # a download fails in many ways, each with a type of its own
        raise HumansegError(
            f"The ImageNet weights of the backbone {name} could not be downloaded "
            f"({type(error).__name__}: {first_line(error)}). Without a network, set "
            "backbone.weights to a .safetensors file or to none."
        ) from error


def _cached(name: str) -> str | None:
    """Find the weights of a net that were downloaded before; nothing is asked of a server."""
    config: Any = timm.get_pretrained_cfg(name)
    hub = getattr(config, "hf_hub_id", None)
    if not hub:
        return None
    found = try_to_load_from_cache(hub, config.hf_hub_filename or SAFETENSORS_SINGLE_FILE)
    return found if isinstance(found, str) else None


def _source(name: str) -> str:
    """Return the address of the server that has the weights of a net."""
    config: Any = timm.get_pretrained_cfg(name)
    if getattr(config, "hf_hub_id", None) or not getattr(config, "url", None):
        return ENDPOINT
    return str(config.url)


def _drop_unused_blocks(features: nn.Module) -> None:
    """Remove the blocks behind the last kept map, which timm's EfficientNets compute."""
    stages = getattr(features, "_stage_out_idx", None)
    blocks = getattr(features, "blocks", None)
    if isinstance(stages, dict) and isinstance(blocks, nn.Sequential):
        features.blocks = blocks[: max(stages)]


def _has_features(name: str) -> bool:
    try:
        with torch.device("meta"):
            timm.create_model(name, pretrained=False, features_only=True)
    except Exception:  # whatever the reason: no feature maps
        return False
    return True


def _no_features(name: str, stages: int | None, error: Exception) -> HumansegError:
    wanted = "feature maps" if stages is None else f"{stages} feature maps (backbone.stages)"
    return HumansegError(
        f"The backbone {name} has no {wanted} ({first_line(error)}). Choose another."
    )


def _unsupported_stride(name: str, output_stride: int, reason: str) -> HumansegError:
    return HumansegError(
        f"The backbone {name} does not support output_stride={output_stride} ({reason}). "
        "Set backbone.output_stride=32, or choose a backbone that can be dilated, such as "
        "resnet18."
    )
