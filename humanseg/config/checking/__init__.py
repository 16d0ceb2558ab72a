"""Whether a config fits the code: every value against what it will be passed to."""
