"""Environment variables that dependencies read, most of them once, when they are imported.

What a person has set holds; an empty variable counts as unset. The processes that this one starts
have them too.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

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
POLICY = {
    # GNU OpenMP, in torch for Linux: how often a thread looks before it sleeps, 300000 by default.
    # 1000 bridges most gaps between the operations of a net. Two trainings at once then ran 1.4 to
    # 1.6 times as fast as by default; one alone lost nothing on one machine, 7 % on another.
    "GOMP_SPINCOUNT": "1000",
    # LLVM's and Intel's OpenMP, in torch for macOS, for Windows and from conda: the same in
    # milliseconds, 200 by default.
    "KMP_BLOCKTIME": "1",
}
"""The environment variable that OpenMP reads when it is loaded."""
_CHOSEN_BY_HAND = ("OMP_WAIT_POLICY", *POLICY)


def switch_off_telemetry() -> None:
    """Switch off the telemetry and update checks of dependencies, before anything is imported."""
    for name, value in SWITCHES.items():
        os.environ[name] = os.environ.get(name) or value


def wait_politely() -> None:
    """Make torch's threads sleep while they wait for each other, before torch is imported.

    By default they wait by looking again and again, for milliseconds, which takes the processor
    from whatever else runs: two trainings on one machine stop each other.
    """
    if not any(os.environ.get(name) for name in _CHOSEN_BY_HAND):
        os.environ.update(POLICY)


@contextmanager
def environment_with(values: Mapping[str, str | None]) -> Iterator[None]:
    """Set variables during a block; None removes one."""
    saved = {name: os.environ.get(name) for name in values}
    _set(values)
    try:
        yield
    finally:
        _set(saved)


def _set(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
