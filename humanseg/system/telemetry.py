"""Switches off the telemetry and update checks of dependencies.

Each of these is read when its package is imported, so `humanseg` sets them before anything else,
also for the processes that it starts. What a person has set holds.
"""

import os

SWITCHES = {
    # Since 1.29 it looks up a host of Microsoft, writes a device id below the user's cache, and
    # keeps a process from ending that is forked after the import.
    "ORT_DISABLE_TELEMETRY": "1",
    # Asks for the newest version.
    "NO_ALBUMENTATIONS_UPDATE": "1",
    # Usage and crashes.
    "RAY_USAGE_STATS_ENABLED": "0",
    "WANDB_ERROR_REPORTING": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # Whatever else knows the convention.
    "DO_NOT_TRACK": "1",
}
"""Environment variables that switch off what dependencies would do on their own."""


def switch_off() -> None:
    """Set the variables for this process and its children."""
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)
