"""Whether the files of an export predict what the checkpoint predicts, and how fast."""
