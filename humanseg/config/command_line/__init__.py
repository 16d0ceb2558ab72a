"""The command line of settings: overrides, help and error messages."""
