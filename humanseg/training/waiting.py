"""How torch's threads wait for each other: asleep, after a moment.

By default they wait by looking again and again, for milliseconds, which takes the processor from
whatever else runs: two trainings on one machine stop each other.
"""

import os

POLICY = {
    # GNU OpenMP, in torch for Linux: how often a thread looks before it sleeps, 300000 by default.
    # The gaps between the steps of a net are shorter than that takes.
    "GOMP_SPINCOUNT": "10000",
    # LLVM's and Intel's OpenMP, in torch for macOS, for Windows and from conda: the same in
    # milliseconds, 200 by default.
    "KMP_BLOCKTIME": "1",
}
"""What OpenMP reads when it is loaded."""
_CHOSEN_BY_HAND = ("OMP_WAIT_POLICY", *POLICY)


def wait_politely() -> None:
    """Set the policy for this process, before it imports torch, and for those that it starts.

    What a person has set holds.
    """
    if not any(name in os.environ for name in _CHOSEN_BY_HAND):
        os.environ.update(POLICY)
