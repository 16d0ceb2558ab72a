"""Names of sweeps and jobs, derived from their overrides, so that the same command finds them."""

import json
import re
import time
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from humanseg.config.renames import former_key, former_word
from humanseg.config.settings import is_incidental

LONGEST = 200
"""Bytes in the name of a folder; common disks take 255."""
_UNSAFE = re.compile(r"""[^\w\-.,=+~()\[\]]""")


def key_of(override: str) -> str:
    """Return the key of an override: `optimizer.lr` of ``+optimizer.lr=0.1``."""
    return override.lstrip("+~").split("=")[0].split("@")[0]


def is_below(key: str, keys: Collection[str]) -> bool:
    """Return whether a key is one of `keys`, or is below one of them."""
    return any(key == above or key.startswith(f"{above}.") for above in keys)


def folder_aside(folder: Path) -> Path:
    """Return where an earlier folder is put that another one of the same name replaces."""
    return folder.with_name(f"{folder.name}-before-{time.strftime('%Y%m%d-%H%M%S')}")


def job_name(overrides: Sequence[str], varied: Collection[str]) -> str:
    """Name a job by the settings that differ, such as ``loss=dice,seed=1``; `default` without any.

    A name that is too long for a folder, or holds what no folder's name should, ends in a part of
    its SHA-256.
    """
    return _folder_name(",".join(varied_overrides(overrides, varied)) or "default")


def job_folder(sweep: Path, overrides: Sequence[str], varied: Collection[str]) -> Path:
    """Return the folder of a job in a sweep; one from before its settings were renamed stays."""
    former = job_name(list(map(former_word, overrides)), set(map(former_key, varied)))
    folder = sweep / job_name(overrides, varied)
    return sweep / former if not folder.exists() and (sweep / former).exists() else folder


def varied_overrides(overrides: Sequence[str], varied: Collection[str]) -> list[str]:
    """Return those of a job's overrides that set a varied key, sorted."""
    return sorted(word for word in overrides if key_of(word) in varied)


def sweep_name(overrides: Sequence[str], params: Mapping[str, Any], varied: Sequence[str]) -> str:
    """Name a sweep by what it varies, and by a mark that follows from all that was requested.

    Such as ``loss-seed-1f0c88d2``, or ``losses-…`` for ``search=losses``. Neither the order of the
    overrides counts nor where the sweep is.
    """
    asked = sorted(word for word in overrides if not is_incidental(key_of(word)))
    plain = json.dumps([asked, {str(key): str(value) for key, value in params.items()}])
    mark = sha256(plain.encode()).hexdigest()[:8]
    searches = [word.split("=")[1] for word in asked if key_of(word) == "search"]
    words = searches or [key.rpartition(".")[2] for key in sorted(varied)] or ["sweep"]
    return _folder_name("-".join([*words, mark]))


def _folder_name(text: str) -> str:
    safe = _UNSAFE.sub("_", text)
    if safe == text and len(text.encode()) <= LONGEST:
        return text
    mark = "~" + sha256(text.encode()).hexdigest()[:8]
    return safe.encode()[: LONGEST - len(mark)].decode(errors="ignore") + mark
