"""The `humanseg` command: one file per command, which imports heavy packages itself."""

from humanseg.cli.main import main

__all__ = ["main"]
