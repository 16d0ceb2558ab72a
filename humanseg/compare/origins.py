"""The photos and weights behind runs, compared by content and not by name.

`config.yaml` says where they lay. `summary.json` has their fingerprints: `pixels_sha256` of the
photos, those of `data.extra` too, and under `sources` a list for each other setting that names
files. Two folders called `start` may hold different weights, and one data set may be moved.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from humanseg.config.settings import is_result
from humanseg.runs.record import RunRecord
from humanseg.runs.settings import SOURCES, Settings, as_text, short_name

DATA = "data.root"
_SHOWN = 8  # digits of a fingerprint


@dataclass(frozen=True)
class _Origin:
    """An origin that a setting of one run names: its paths, its size in words, its fingerprint."""

    paths: tuple[str, ...]
    size: str = ""
    fingerprint: str = ""


def with_origins(runs: Sequence[RunRecord], settings: Sequence[Settings]) -> list[Settings]:
    """Return settings for the origins of each run; runs with the same origin get the same value.

    They have the shortest names that tell the origins apart: `a/start` and `b/start`, or, where
    something was changed in its place, `start (1f2e3d4c)`. Of a run that has recorded no
    fingerprints the path and the number of photos count. What was changed when a run was resumed is
    a setting too, `resumed`.
    """
    origins = [dict(_origins(run)) for run in runs]
    values: list[dict[str, str]] = [{} for _ in runs]
    for key in dict.fromkeys(key for of_run in origins for key in of_run):
        numbers = [number for number, of_run in enumerate(origins) if key in of_run]
        names = _names([origins[number][key] for number in numbers])
        for number, name in zip(numbers, names, strict=True):
            values[number][key] = name
    for run, named in zip(runs, values, strict=True):
        named |= _changed_when_resumed(run)
    return [
        replace(of_run, values={**of_run.values, **named})
        for of_run, named in zip(settings, values, strict=True)
    ]


def _changed_when_resumed(run: RunRecord) -> dict[str, str]:
    """Distinguish a run that was resumed with other settings from one that had them all along."""
    words = [
        f"{short_name(key)} {as_text(new)} after epoch {step['after_epoch']}"
        for step in run.summary.get("resumed") or []
        for key, (_, new) in step["changed"].items()
    ]
    return {"resumed": ", ".join(words)} if words else {}


def _origins(run: RunRecord) -> Iterator[tuple[str, _Origin]]:
    sources = run.summary.get("sources")
    recorded = sources if isinstance(sources, Mapping) else {}
    data = run.summary.get("data")
    data = data if isinstance(data, Mapping) else {}
    photos, pixels = data.get("train"), str(run.summary.get("pixels_sha256") or "")
    root = str(data.get("root_sha256") or "") if "extra" in data else pixels
    for key, paths in _paths(run.config, ""):
        if key == DATA:
            size = "" if photos is None else f"{photos} photos"
            yield key, _Origin(paths, size, root)
        elif is_result(key):
            yield key, _Origin(paths, "", _one_fingerprint(recorded.get(key)))
    # Earlier runs have one fingerprint of all that was trained on.
    marks = (data.get("extra_sha256") or pixels, data.get("extra_valid_sha256") or "")
    for key, mark in zip(SOURCES, marks, strict=True):
        sources = (run.config.get("data") or {}).get(key.partition(".")[2])
        if sources:
            yield key, _Origin(tuple(map(str, sources)), "", str(mark))


def _one_fingerprint(fingerprints: Any) -> str:
    """Join the fingerprints of some runs; their order does not matter: their mean is taken."""
    some = sorted(map(str, fingerprints)) if isinstance(fingerprints, list) else []
    return sha256(" ".join(some).encode()).hexdigest() if len(some) > 1 else "".join(some)


def _paths(node: Any, key: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the settings that name files or folders, by their dotted keys."""
    if isinstance(node, Mapping):
        for name, below in node.items():
            yield from _paths(below, f"{key}.{name}" if key else str(name))
        return
    values = node if isinstance(node, list) else [node]
    if values and all(isinstance(value, str) and value.startswith("/") for value in values):
        yield key, tuple(value.rstrip("/") for value in values)
    elif isinstance(node, list):
        for index, below in enumerate(node):
            yield from _paths(below, f"{key}.{index}")


def _names(origins: Sequence[_Origin]) -> list[str]:
    """Name origins so that two have one name if, as far as is known, they are the same."""
    fingerprints: dict[tuple[tuple[str, ...], str], str] = {}
    for origin in origins:
        if origin.fingerprint:
            fingerprints.setdefault((origin.paths, origin.size), origin.fingerprint)
    same = [
        origin.fingerprint
        or fingerprints.get((origin.paths, origin.size))
        or repr((origin.paths, origin.size))
        for origin in origins
    ]
    firsts = {mark: origin for mark, origin in reversed(list(zip(same, origins, strict=True)))}
    sized = len({origin.size for origin in firsts.values()}) > 1
    longest = max(path.count("/") for origin in origins for path in origin.paths)
    names: dict[str, str] = {}
    for parts in range(1, longest + 2):
        names = {mark: _name(origin, parts, sized) for mark, origin in firsts.items()}
        if len(set(names.values())) == len(names):
            break
    else:
        # Something was changed in its place.
        for mark, origin in firsts.items():
            if origin.fingerprint:
                names[mark] = f"{_name(origin, 1, sized)} ({mark[:_SHOWN]})"
    return [names[mark] for mark in same]


def _name(origin: _Origin, parts: int, sized: bool) -> str:
    names = ["/".join(path.split("/")[-parts:]) for path in origin.paths]
    return ", ".join([*names, *([origin.size] if sized else [])])
