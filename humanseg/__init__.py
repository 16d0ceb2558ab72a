"""Cut people out of photos: from five folders to the best checkpoint and its files."""

__version__ = "0.1.0"
