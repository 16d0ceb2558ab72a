"""Photos and masks decoded once: in memory, or in a file that the next run reads."""
