"""Backbones: encoders that compute feature maps of a photo."""

# Before the modules that use timm.
from humanseg.models.backbones import import_timm  # noqa: F401
from humanseg.models.backbones.base import Backbone
from humanseg.models.backbones.plain import PlainBackbone
from humanseg.models.backbones.timm_backbone import TimmBackbone

__all__ = ["Backbone", "PlainBackbone", "TimmBackbone"]
