"""Backbones, nets on them, and the `Segmenter` that makes any of them take photos."""

from humanseg.models.attention_unet import AttentionUNet
from humanseg.models.backbones import Backbone, PlainBackbone, TimmBackbone
from humanseg.models.light_unet import LightUNet
from humanseg.models.pspnet import PSPNet
from humanseg.models.segmenter import Segmenter, build_segmenter
from humanseg.models.unet import UNet
from humanseg.models.unetplusplus import UNetPlusPlus

__all__ = [
    "AttentionUNet",
    "Backbone",
    "LightUNet",
    "PSPNet",
    "PlainBackbone",
    "Segmenter",
    "TimmBackbone",
    "UNet",
    "UNetPlusPlus",
    "build_segmenter",
]
