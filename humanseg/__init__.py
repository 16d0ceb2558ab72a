"""Cut people out of photos: from five folders to the best checkpoint and its files.

>>> import humanseg
>>> run = humanseg.train(data="photos", model="unet", seed=1)  # doctest: +SKIP
>>> humanseg.evaluate(run).scores["dice"]  # doctest: +SKIP
0.9712
>>> model = humanseg.load(run)  # doctest: +SKIP
>>> mask, cutout = model("holiday.jpg"), model.cutout("holiday.jpg")  # doctest: +SKIP
"""

from humanseg.system.variables import switch_off_telemetry

# Before anything else is imported: dependencies look once, when they are imported.
switch_off_telemetry()

from humanseg.api import evaluate, export, load, predict, train  # noqa: E402

__all__ = ["__version__", "evaluate", "export", "load", "predict", "train"]

__version__ = "0.2.0"
