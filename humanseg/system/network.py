"""Whether a server answers, found out soon: the libraries that want it try again for minutes."""

import ssl
import threading
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

PATIENCE = 5.0
"""Seconds to wait for an answer."""


def unreachable(address: str) -> str:
    """Say why a server cannot be reached."""
    reasons = [f"no answer in {PATIENCE:g} seconds"]
    # In a thread: the time to look up a name has no limit of its own.
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
        # Libraries may know certificates that Python does not.
        reasons.append("" if isinstance(reason, ssl.SSLError) else str(reason))
    else:
        reasons.append("")
