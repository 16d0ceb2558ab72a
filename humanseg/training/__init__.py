"""Training with PyTorch Lightning: from a config to a run's folder with all its files."""

import logging

from humanseg.training.copies import drop_wrong_ranks
from humanseg.training.waiting import wait_politely

# Before anything below imports torch and Lightning, which read these once.
wait_politely()
drop_wrong_ranks()

# Where the home folder cannot be written, it would recommend what makes plots faster, at each run.
logging.getLogger("matplotlib").setLevel(logging.ERROR)
