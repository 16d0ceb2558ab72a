"""The best model of a run as files for other programs, each verified against the checkpoint."""
