"""Latency, throughput and memory of one model, in a process of its own.

    python -m humanseg.exporting.verification.measure_process model.onnx --threads 1

A run's folder is measured in torch, eager or compiled. For an ONNX file, torch is not even
imported, so that the memory is what its users see.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np

from humanseg.exporting.verification.runners import Runner, open_file, run_network
from humanseg.system.memory import process_peak_mb

WARM_UP = 5


def main() -> None:
    """Measure, and print JSON: `median_ms`, `calls`, `photos_per_second`, `peak_mb`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a .onnx or .pt2 file, or a run's folder")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--size", type=int, nargs=2, default=(320, 240), help="height and width")
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--batch", type=int, default=8, help="0: no batches")
    parser.add_argument("--compile", action="store_true", help="a run's folder by torch.compile")
    arguments = parser.parse_args()
    height, width = arguments.size
    run = open_target(arguments.model, arguments.threads, arguments.compile)
    photos = np.random.default_rng(0).integers(
        0, 256, (max(arguments.batch, 1), 3, height, width), np.uint8
    )
    times = measure(run, photos[:1], arguments.calls)
    result: dict[str, float | int | None] = {
        "median_ms": statistics.median(times) * 1e3,
        "calls": len(times),
        "peak_mb": peak_mb(),
        "photos_per_second": None,
    }
    if arguments.batch:
        times = measure(run, photos, max(3, arguments.calls // arguments.batch))
        result["photos_per_second"] = len(photos) / statistics.median(times)
    print(json.dumps(result))


def measure(run: Runner, photos: np.ndarray, calls: int) -> list[float]:
    """Seconds of each call, after a few to warm up."""
    times = []
    for call in range(calls + WARM_UP):
        start = time.perf_counter()
        run(photos)
        if call >= WARM_UP:
            times.append(time.perf_counter() - start)
    return times


def peak_mb() -> float:
    """Most memory that this process has had, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        # Unlike getrusage, this does not count the process that started this one.
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    return process_peak_mb()


def open_target(path: Path, threads: int, compiled: bool = False) -> Runner:
    """Open a file, or the best checkpoint of a run, on a number of threads."""
    if path.suffix == ".onnx":
        return open_file(path, threads)
    import torch

    torch.set_num_threads(threads)
    if path.suffix == ".pt2":
        return open_file(path)
    from humanseg.exporting.network import PhotoToMask
    from humanseg.models.checkpoint import load_segmenter
    from humanseg.runs import open_run

    network = PhotoToMask(load_segmenter(open_run(path))[0], threshold=0.5)
    if compiled:
        network.compile()
    return run_network(network)


if __name__ == "__main__":
    main()
