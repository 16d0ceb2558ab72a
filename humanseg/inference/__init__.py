"""Prediction with an exported model: photos in, masks out, with onnxruntime and without torch."""

from humanseg.inference.load import load_model
from humanseg.inference.model import Model

__all__ = ["Model", "load_model"]
