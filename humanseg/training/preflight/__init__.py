"""Checks before the first step of a training."""
