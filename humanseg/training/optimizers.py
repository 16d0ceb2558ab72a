"""Optimisers, with their parameter groups."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from humanseg.training.preflight.options import require_option


@dataclass(frozen=True)
class OptimizerRecipe:
    """What all optimisers here have in common.

    Attributes
    ----------
    lr
        Highest learning rate of the decoder.
    weight_decay
        Decay of the weights. Norms and biases, all that has one dimension, have none.
    backbone_lr_factor
        The backbone's rate as a share of `lr`; below 1 for pretrained weights.

    Raises
    ------
    HumansegError
        An option is out of its range.
    """

    lr: float = 1e-3
    weight_decay: float = 1e-2
    backbone_lr_factor: float = 1.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        _require(0 < self.lr < math.inf, f"lr={self.lr} must be above 0")
        for name in ("weight_decay", "backbone_lr_factor"):
            value = getattr(self, name)
            _require(0 <= value < math.inf, f"{name}={value} must be at least 0")

    def __call__(self, model: nn.Module) -> torch.optim.Optimizer:
        """Make the optimiser of a model.

        Parameters
        ----------
        model
            Its parameters under a module named `backbone`, at any depth, are the backbone's.

        Returns
        -------
        torch.optim.Optimizer
            With up to four groups, named by their `name`.
        """
        return self.make(list(parameter_groups(model, self)))

    def make(self, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        """Make the optimiser of these parameter groups."""
        raise NotImplementedError


@dataclass(frozen=True)
class AdamW(OptimizerRecipe):
    """AdamW, Loshchilov and Hutter 2019 (arXiv 1711.05101).

    Attributes
    ----------
    betas
        Decay of the running mean and of the running square of the gradient.
    """

    betas: tuple[float, float] = (0.9, 0.999)

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        _require_betas(self.betas)

    def make(self, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        """Make the optimiser of these parameter groups."""
        return torch.optim.AdamW(groups, lr=self.lr, betas=self.betas)


@dataclass(frozen=True)
class Adam(OptimizerRecipe):
    """Adam, Kingma and Ba 2015 (arXiv 1412.6980); its decay is part of the gradient.

    Attributes
    ----------
    betas
        Decay of the running mean and of the running square of the gradient.
    """

    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        _require_betas(self.betas)

    def make(self, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        """Make the optimiser of these parameter groups."""
        return torch.optim.Adam(groups, lr=self.lr, betas=self.betas)


@dataclass(frozen=True)
class SGD(OptimizerRecipe):
    """Stochastic gradient descent with Nesterov's momentum.

    Attributes
    ----------
    momentum
        Share of the last step that is kept; 0 is plain gradient descent.
    """

    lr: float = 0.05
    weight_decay: float = 1e-4
    momentum: float = 0.9

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        _require(0 <= self.momentum < 1, f"momentum={self.momentum} must lie in [0, 1)")

    def make(self, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        """Make the optimiser of these parameter groups."""
        # torch refuses Nesterov's momentum where there is none.
        nesterov = self.momentum > 0
        return torch.optim.SGD(groups, lr=self.lr, momentum=self.momentum, nesterov=nesterov)


def parameter_groups(model: nn.Module, recipe: OptimizerRecipe) -> Iterator[dict[str, Any]]:
    """Split parameters by rate (backbone, decoder) and decay (weights, norms and biases).

    Parameters
    ----------
    model
        The whole model.
    recipe
        Rate, decay and the backbone's factor.

    Yields
    ------
    dict
        `name`, `params`, `lr` and `weight_decay`, as torch's optimisers take them.
    """
    for part, factor in (("backbone", recipe.backbone_lr_factor), ("decoder", 1.0)):
        for kind, decay in (("weights", recipe.weight_decay), ("norms", 0.0)):
            chosen = [
                parameter
                for name, parameter in model.named_parameters()
                if parameter.requires_grad
                and ("backbone" in name.split(".")) == (part == "backbone")
                and (parameter.ndim > 1) == (kind == "weights")
            ]
            if chosen:
                yield {
                    "name": f"{part} {kind}",
                    "params": chosen,
                    "lr": recipe.lr * factor,
                    "weight_decay": decay,
                }


def _require(holds: bool, rule: str) -> None:
    require_option(holds, "optimizer", rule)


def _require_betas(betas: Sequence[float]) -> None:
    fine = len(betas) == 2 and all(0 <= beta < 1 for beta in betas)
    _require(fine, f"betas={list(betas)} must be two numbers in [0, 1)")
