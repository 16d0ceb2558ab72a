"""The functions of `import humanseg`, which the command line calls too."""

from humanseg.api.prediction import load, predict
from humanseg.api.training import evaluate, export, train

__all__ = ["evaluate", "export", "load", "predict", "train"]
