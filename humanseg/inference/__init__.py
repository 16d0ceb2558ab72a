"""Photos in, masks out: an exported model at work, with onnxruntime and without torch."""

from humanseg.inference.model import Model, load_model

__all__ = ["Model", "load_model"]
