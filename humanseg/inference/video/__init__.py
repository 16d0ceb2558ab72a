"""Video in, video out: frames through the model, steadied over time, with the sound kept."""

VIDEO_SUFFIXES = frozenset((".mov", ".mp4", ".webm"))
"""What counts as a video, in lower case. PyAV is loaded only when one comes."""
