"""The `humanseg` command: one file for each of its commands, which imports what is heavy itself."""

from humanseg.cli.main import main

__all__ = ["main"]
