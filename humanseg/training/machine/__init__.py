"""The machine that a training runs on: its settings, versions and processes."""
