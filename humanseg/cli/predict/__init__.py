"""`humanseg predict`: write masks, cut-outs and new backgrounds of photos and videos."""

from humanseg.cli.predict.command import configure, run

__all__ = ["configure", "run"]
