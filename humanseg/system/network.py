"""A quick check whether a server answers: libraries that need it retry for minutes."""

import ssl
import threading
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

PATIENCE = 5.0
"""Seconds to wait for an answer."""


def unreachable(address: str) -> str:
    """Return why an http or https server cannot be reached; empty where it answers anything."""
    reasons = [f"no answer in {PATIENCE:g} seconds"]
    # In a thread: a name lookup has no timeout.
    probe = threading.Thread(target=_probe, args=(address, reasons), daemon=True)
    probe.start()
    probe.join(PATIENCE)
    return reasons[-1]


def _probe(address: str, reasons: list[str]) -> None:
    try:
        urlopen(address, timeout=PATIENCE).close()
    except HTTPError:
        reasons.append("")
    except HTTPException:
        reasons.append("what answers is no web server")
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        # Libraries may have certificates that Python does not have.
        reasons.append("" if isinstance(reason, ssl.SSLError) else str(reason))
    else:
        reasons.append("")
