"""Photos, masks, run-length encoding and files that appear whole or not at all; no torch."""
