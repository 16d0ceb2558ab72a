"""Cut people out of photos: from five folders to the best checkpoint and its files.

>>> import humanseg
>>> humanseg.evaluate("runs/first").scores["dice"]  # doctest: +SKIP
0.9712
>>> model = humanseg.load(humanseg.export("runs/first", "export"))  # doctest: +SKIP
>>> mask = model("holiday.jpg")  # doctest: +SKIP
"""

from humanseg.system.telemetry import switch_off

# Before anything else is imported: dependencies look once, when they are imported.
switch_off()

from humanseg.api import evaluate, export, load, predict  # noqa: E402

__all__ = ["__version__", "evaluate", "export", "load", "predict"]

__version__ = "0.2.0"
