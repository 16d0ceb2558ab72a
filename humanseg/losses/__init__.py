"""Losses: logits (N, 1, H, W) and a two-valued target of that shape -> a float32 scalar."""

from humanseg.losses.base import SegmentationLoss
from humanseg.losses.overlap import (
    DiceLoss,
    FocalTverskyLoss,
    JaccardLoss,
    LovaszHingeLoss,
    TverskyLoss,
)
from humanseg.losses.pixelwise import BCELoss, BoundaryLoss, FocalLoss
from humanseg.losses.soft_target import SoftTargetLoss
from humanseg.losses.weighted_sum import WeightedSum

__all__ = [
    "BCELoss",
    "BoundaryLoss",
    "DiceLoss",
    "FocalLoss",
    "FocalTverskyLoss",
    "JaccardLoss",
    "LovaszHingeLoss",
    "SegmentationLoss",
    "SoftTargetLoss",
    "TverskyLoss",
    "WeightedSum",
]
