"""Training with PyTorch Lightning: from a config to a run's folder with all its files."""

import logging

from humanseg.training.waiting import wait_politely

# Before anything below imports torch, which reads it once.
wait_politely()

# Where the home folder cannot be written, it would recommend what makes plots faster, at each run.
logging.getLogger("matplotlib").setLevel(logging.ERROR)
