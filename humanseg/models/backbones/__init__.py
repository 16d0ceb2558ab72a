"""Encoders that turn a photo into feature maps."""

from humanseg.models.backbones.base import Backbone
from humanseg.models.backbones.plain import PlainBackbone
from humanseg.models.backbones.timm_backbone import TimmBackbone

__all__ = ["Backbone", "PlainBackbone", "TimmBackbone"]
