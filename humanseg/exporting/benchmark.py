"""Measures the speed and memory of each exported file, compared with torch.

Each measurement has a process of its own. For an ONNX file torch is not even imported there, so
that the memory is what its users see.
"""

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from humanseg.exporting.folder import notify
from humanseg.exporting.runners import Runner, open_file, run_network
from humanseg.system.children import call_in_child
from humanseg.system.memory import process_peak_mb
from humanseg.system.variables import environment_with

THREADS = (1, 2)
BATCH = 8
_WARM_UP = 5


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


class _Measurement(NamedTuple):
    """What one process measures of a model."""

    latency_ms: float
    peak_mb: float
    # In batches; None without.
    photos_per_second: float | None


def threads_here() -> list[int]:
    """Return the numbers of threads to measure: one, and two if the machine has them."""
    return [threads for threads in THREADS if threads <= (os.cpu_count() or 1)]


def time_files(files: Sequence[Path], size: tuple[int, int], calls: int) -> list[Timing]:
    """Measure the latency of every file."""
    return _time_each({path.name: partial(time_model, path, size, calls) for path in files})


def time_all(files: Sequence[Path], run: Path, size: tuple[int, int], calls: int) -> list[Timing]:
    """Measure every file, torch eager and torch.compile, in batches too."""
    jobs = {path.name: partial(time_model, path, size, calls, BATCH) for path in files}
    jobs["torch eager"] = partial(time_model, run, size, calls, BATCH)
    jobs["torch.compile"] = partial(time_model, run, size, calls, BATCH, compiled=True)
    return _time_each(jobs)


def _time_each(jobs: Mapping[str, Callable[[], Timing]]) -> list[Timing]:
    """Measure one after the other; report what fails and leave it out."""
    timings = []
    for name, job in jobs.items():
        notify("speed", name)
        try:
            timings.append(job())
        except Exception as error:  # whatever a runtime raises
            reason = str(error).strip().splitlines() or [type(error).__name__]
            notify("speed", f"{name} could not be measured: {reason[-1]}")
    return timings


def time_model(
    model: Path, size: tuple[int, int], calls: int, batch: int = 0, compiled: bool = False
) -> Timing:
    """Measure an exported file, or the best checkpoint of a run in torch, in other processes.

    A batch of 0: none is tried. What the measurement raised is raised here, or a RuntimeError that
    says how its process died.
    """
    results = {}
    for threads in threads_here():
        # Batches only on the most threads: that is how somebody with many photos runs them.
        photos = batch if threads == threads_here()[-1] else 0
        with environment_with({"OMP_NUM_THREADS": str(threads)}):
            options = (model, threads, size, calls, photos, compiled)
            results[threads] = call_in_child(_measure, *options, spawn=True)
    return Timing(
        ("torch.compile" if compiled else "torch eager") if model.is_dir() else model.name,
        {threads: result.latency_ms for threads, result in results.items()},
        results[threads_here()[-1]].photos_per_second,
        results[1].peak_mb,
        None if model.is_dir() else model.stat().st_size,
        calls,
    )


def table(timings: Sequence[Timing]) -> str:
    """Format measurements as a table."""
    threads = threads_here()
    heads = ["", *(f"{n} thread{'s' * (n > 1)}" for n in threads), f"batches of {BATCH}"]
    rows = [[*heads, "peak memory", "file"]]
    for timing in timings:
        speed = (
            "–" if timing.photos_per_second is None else f"{timing.photos_per_second:.1f} photos/s"
        )
        size = "–" if timing.bytes is None else f"{timing.bytes / 1e6:.2f} MB"
        times = [f"{timing.latency_ms[n]:.1f} ms" for n in threads]
        rows.append([timing.name, *times, speed, f"{timing.peak_mb:.0f} MB", size])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])],
        ).rstrip()
        for row in rows
    )


def _measure(
    model: Path, threads: int, size: tuple[int, int], calls: int, batch: int, compiled: bool
) -> _Measurement:
    """Measure a model in this process, with batches of `batch` photos unless that is 0."""
    # Drop what the runtimes print.
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    run = open_target(model, threads, compiled)
    shape = (max(batch, 1), 3, *size)
    photos = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    latency = _median_seconds(run, photos[:1], calls) * 1e3
    # Before the batches, which take more.
    peak = process_peak_mb()
    rate = batch / _median_seconds(run, photos, max(3, calls // batch)) if batch else None
    return _Measurement(latency, peak, rate)


def _median_seconds(run: Runner, photos: np.ndarray, calls: int) -> float:
    """Time calls, after a few to warm up."""
    times = []
    for _ in range(calls + _WARM_UP):
        start = time.perf_counter()
        run(photos)
        times.append(time.perf_counter() - start)
    return statistics.median(times[_WARM_UP:])


def open_target(path: Path, threads: int, compiled: bool = False) -> Runner:
    """Open a file, or the best checkpoint of a run, on a number of threads."""
    if path.suffix == ".onnx":
        return open_file(path, threads)
    import torch

    torch.set_num_threads(threads)
    if path.suffix == ".pt2":
        return open_file(path)
    from humanseg.models.checkpoint import load_segmenter
    from humanseg.models.onnx.network import PhotoToMask
    from humanseg.runs import open_run

    network = PhotoToMask(load_segmenter(open_run(path))[0], threshold=0.5)
    if compiled:
        network.compile()
    return run_network(network)
