"""Many trainings by one command: the jobs, their status and their results."""

import warnings

# Hydra checks conf/hydra/launcher against the plugins' own settings of the same names, as it
# should, and warns of doing so, in each process of a launcher too.
warnings.filterwarnings("ignore", r"\s*'hydra/launcher/\w+' is validated against ConfigStore")
