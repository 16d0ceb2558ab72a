"""The best model of a run as files that other programs run, each checked against the checkpoint."""
