"""Makes torch's threads sleep while they wait for each other.

By default they wait by looking again and again, for milliseconds, which takes the processor from
whatever else runs: two trainings on one machine stop each other.
"""

import os

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


def wait_politely() -> None:
    """Set the policy for this process, before it imports torch, and for those that it starts.

    What a person has set holds.
    """
    if not any(name in os.environ for name in _CHOSEN_BY_HAND):
        os.environ.update(POLICY)
