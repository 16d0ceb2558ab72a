"""How fast each exported file is, and what it needs, next to torch."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

THREADS = (1, 2)
BATCH = 8

Say = Callable[[str, str], None]


@dataclass(frozen=True)
class Timing:
    """Measurements of one model.

    Attributes
    ----------
    name
        Of the file, or `torch eager`, `torch.compile`.
    latency_ms
        Median over warm calls on one photo, by the number of threads.
    photos_per_second
        In batches of `BATCH`, on the most threads; None where not measured.
    peak_mb
        Most memory of a process that runs single photos on one thread, runtime included.
    bytes
        Size of the file; None for torch.
    calls
        How many calls each latency is the median of.
    """

    name: str
    latency_ms: dict[int, float]
    photos_per_second: float | None
    peak_mb: float
    bytes: int | None
    calls: int


def threads_here() -> list[int]:
    """Numbers of threads to measure on: one and two, as far as the machine has them."""
    return [threads for threads in THREADS if threads <= (os.cpu_count() or 1)]


def time_file(path: Path, size: tuple[int, int], calls: int, batch: int = 0) -> Timing:
    """Measure an exported file.

    Parameters
    ----------
    path
        The file.
    size
        Height and width of the photos.
    calls
        Timed calls on each number of threads.
    batch
        Photos in a batch; 0: none are tried.

    Returns
    -------
    Timing
        Its measurements.

    Raises
    ------
    RuntimeError
        The measurement failed; with what it said.
    """
    return _time(path.name, [str(path)], size, calls, batch, path.stat().st_size)


def time_torch(
    run: Path, size: tuple[int, int], calls: int, batch: int = 0, compiled: bool = False
) -> Timing:
    """Measure a run's checkpoint in torch, eager or by torch.compile; else as `time_file`."""
    name = "torch.compile" if compiled else "torch eager"
    words = [str(run), *(["--compile"] if compiled else [])]
    return _time(name, words, size, calls, batch, None)


def _time(
    name: str,
    words: Sequence[str],
    size: tuple[int, int],
    calls: int,
    batch: int,
    length: int | None,
) -> Timing:
    results = {}
    for threads in threads_here():
        # Batches only on the most threads: that is how somebody with many photos runs them.
        photos = batch if threads == threads_here()[-1] else 0
        options = ["--threads", threads, "--calls", calls, "--batch", photos, "--size", *size]
        results[threads] = _measure([*words, *map(str, options)], threads)
    most = results[threads_here()[-1]]
    return Timing(
        name,
        {threads: result["median_ms"] for threads, result in results.items()},
        most["photos_per_second"],
        results[1]["peak_mb"],
        length,
        calls,
    )


def _measure(words: Sequence[str], threads: int) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "humanseg.exporting.verification.measure_process", *words],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": str(threads)},
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr else "no output")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def time_files(files: Sequence[Path], size: tuple[int, int], calls: int, say: Say) -> list[Timing]:
    """Measure the latency of every file."""
    return _time_each({path.name: partial(time_file, path, size, calls) for path in files}, say)


def time_all(
    files: Sequence[Path], run: Path, size: tuple[int, int], calls: int, say: Say
) -> list[Timing]:
    """Measure every file, torch eager and torch.compile, in batches too."""
    jobs = {path.name: partial(time_file, path, size, calls, BATCH) for path in files}
    jobs["torch eager"] = partial(time_torch, run, size, calls, BATCH)
    jobs["torch.compile"] = partial(time_torch, run, size, calls, BATCH, compiled=True)
    return _time_each(jobs, say)


def _time_each(jobs: Mapping[str, Callable[[], Timing]], say: Say) -> list[Timing]:
    """Measure one after the other; what fails is said and left out."""
    timings = []
    for name, job in jobs.items():
        say("speed", name)
        try:
            timings.append(job())
        except RuntimeError as error:
            say("speed", f"{name} could not be measured: {error}")
    return timings


def table(timings: Sequence[Timing]) -> str:
    """Lay measurements out as a table of text."""
    threads = threads_here()
    heads = ["", *(f"{n} thread{'s' * (n > 1)}" for n in threads), f"batches of {BATCH}"]
    rows = [[*heads, "peak memory", "file"]]
    for each in timings:
        speed = "–" if each.photos_per_second is None else f"{each.photos_per_second:.1f} photos/s"
        size = "–" if each.bytes is None else f"{each.bytes / 1e6:.2f} MB"
        times = [f"{each.latency_ms[n]:.1f} ms" for n in threads]
        rows.append([each.name, *times, speed, f"{each.peak_mb:.0f} MB", size])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
