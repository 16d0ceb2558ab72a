"""Training with PyTorch Lightning: from a config to a run's folder with all its files."""

from humanseg.training.waiting import wait_politely

# Before anything below imports torch, which reads it once.
wait_politely()
