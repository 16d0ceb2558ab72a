"""Optimizers by timm; the groups split its decay rule by learning rate, which timm cannot do."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from humanseg.config.ranges import BelowOne, NotNegative, Positive
from humanseg.models.backbones import import_timm  # noqa: F401 - the first import of timm


@dataclass(frozen=True)
class OptimizerRecipe:
    """The settings that all optimizers share.

    Attributes
    ----------
    lr
        Highest learning rate of the decoder.
    weight_decay
        Decay of the weights. Norms and biases, all that has one dimension, have none.
    backbone_lr_factor
        The backbone's rate as a share of `lr`; below 1 for pretrained weights.
    """

    opt: ClassVar[str]
    """The optimizer's name in timm."""

    lr: Positive = 1e-3
    weight_decay: NotNegative = 1e-2
    backbone_lr_factor: NotNegative = 1.0

    def __call__(self, model: nn.Module) -> torch.optim.Optimizer:
        """Make the optimizer of a model.

        Parameters
        ----------
        model
            Its parameters under a module named `backbone`, at any depth, are the backbone's.

        Returns
        -------
        torch.optim.Optimizer
            With up to four groups, named by their `name`.
        """
        from timm.optim import create_optimizer_v2  # type: ignore[attr-defined]

        groups = list(parameter_groups(model, self))
        optimizer: torch.optim.Optimizer = create_optimizer_v2(
            groups, opt=self.opt, lr=self.lr, **self._options()
        )
        return optimizer

    def _options(self) -> dict[str, Any]:
        """Return the settings that this optimizer alone has."""
        raise NotImplementedError


@dataclass(frozen=True)
class AdamW(OptimizerRecipe):
    """AdamW, Loshchilov and Hutter 2019 (arXiv 1711.05101).

    Attributes
    ----------
    betas
        Decay of the running mean and of the running square of the gradient.
    """

    opt: ClassVar[str] = "adamw"

    betas: tuple[BelowOne, BelowOne] = (0.9, 0.999)

    def _options(self) -> dict[str, Any]:
        return {"betas": self.betas}


@dataclass(frozen=True)
class Adam(AdamW):
    """Adam, Kingma and Ba 2015 (arXiv 1412.6980); its decay is part of the gradient."""

    opt: ClassVar[str] = "adam"

    weight_decay: NotNegative = 0.0


@dataclass(frozen=True)
class SGD(OptimizerRecipe):
    """Stochastic gradient descent with Nesterov's momentum.

    Attributes
    ----------
    momentum
        Share of the last step that is kept; 0 is plain gradient descent.
    """

    opt: ClassVar[str] = "sgd"

    lr: Positive = 0.05
    weight_decay: NotNegative = 1e-4
    momentum: BelowOne = 0.9

    def _options(self) -> dict[str, Any]:
        # torch refuses Nesterov's momentum where there is none.
        return {"momentum": self.momentum, "nesterov": self.momentum > 0}


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
        `name`, `params`, `lr` and `weight_decay`, as torch's optimizers take them, always in this
        order: a checkpoint knows the groups by their number.
    """
    from timm.optim import param_groups_weight_decay  # type: ignore[attr-defined]

    backbone = {
        id(parameter)
        for name, module in model.named_modules()
        if name.rpartition(".")[2] == "backbone"
        for parameter in module.parameters()
    }
    # With a decay of 0 timm would make a single group.
    shares = {
        group["weight_decay"]: group["params"]
        for group in param_groups_weight_decay(model, weight_decay=1.0)
    }
    for part, factor in (("backbone", recipe.backbone_lr_factor), ("decoder", 1.0)):
        for kind, share in (("weights", 1.0), ("norms", 0.0)):
            inside = part == "backbone"
            params = [p for p in shares.get(share, ()) if (id(p) in backbone) == inside]
            if params:
                yield {
                    "name": f"{part} {kind}",
                    "params": params,
                    "lr": recipe.lr * factor,
                    "weight_decay": recipe.weight_decay * share,
                }
