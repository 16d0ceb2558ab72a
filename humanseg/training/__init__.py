"""Training with PyTorch Lightning: from a config to a run's folder with all its files."""

import logging

from humanseg.system.variables import wait_politely
from humanseg.training.machine.ranks import drop_wrong_ranks

# Before anything below imports torch and Lightning, which read these once.
wait_politely()
drop_wrong_ranks()

# Where the home folder cannot be written, it would recommend what makes plots faster, at each run.
logging.getLogger("matplotlib").setLevel(logging.ERROR)
