"""Backbones, nets on them, and the `Segmenter` that makes any of them take photos."""

from humanseg.models.backbones import Backbone, PlainBackbone, TimmBackbone
from humanseg.models.decoders.attention_unet import AttentionUNet
from humanseg.models.decoders.light_unet import LightUNet
from humanseg.models.decoders.pspnet import PSPNet
from humanseg.models.decoders.unet import UNet
from humanseg.models.decoders.unetplusplus import UNetPlusPlus
from humanseg.models.segmenter import Segmenter, build_segmenter

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
