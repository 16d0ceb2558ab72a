"""Backbones, nets on them, and the `Segmenter` that makes any of them take photos."""

from humanseg.models.backbones import Backbone, PlainBackbone, TimmBackbone
from humanseg.models.pspnet import PSPNet
from humanseg.models.segmenter import Segmenter, build_segmenter
from humanseg.models.unet import UNet

__all__ = [
    "Backbone",
    "PSPNet",
    "PlainBackbone",
    "Segmenter",
    "TimmBackbone",
    "UNet",
    "build_segmenter",
]
