"""Callbacks of the training, one file each."""
