"""Checks of a config: every value against the signature that it will be passed to."""
