"""Our exported files beside MediaPipe's selfie models: latency and Dice on the same photos.

Every model takes a photo, uint8 of its own size, and gives a mask of that size; what it needs
before and after, resizing included, is timed with it. Calls are interleaved, one photo through each
model in turn, so that a noisy machine is noisy for all.

    pip install ai-edge-litert
    python scripts/benchmark_inference.py export --data photos [--calls 200] [--threads 1]
        [--csv FILE]

MediaPipe's model files come from the npm package @mediapipe/selfie_segmentation (Apache-2.0), which
is fetched once by `npm pack`, into a folder of the user's cache.
"""

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from humanseg.data.layout.folders import list_items
from humanseg.errors import HumansegError, says_errors
from humanseg.io.files import write_bytes
from humanseg.io.images import read_mask, read_photo
from humanseg.io.tables import write_table
from humanseg.metrics.scores import dice

Photo = NDArray[np.uint8]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "humanseg"
"""Where the npm package is kept."""

PACKAGE = "@mediapipe/selfie_segmentation@0.1.1675465747"
MEDIAPIPE = {
    "MediaPipe general": (
        "selfie_segmentation.tflite",
        "8d13b7fae74af625c641226813616a2117bd6bca19eb3b75574621fc08557f27",
    ),
    "MediaPipe landscape": (
        "selfie_segmentation_landscape.tflite",
        "4aafe6223bb8dac6fac8ca8ed56852870a33051ef3f6238822d282a109962894",
    ),
}
"""The files in the package, and their SHA-256."""
WARM_UP = 10
COLUMNS = ("model", "milliseconds", "bytes", "dice")
"""Of the table that `--csv` writes."""


@dataclass
class Contender:
    """A model in the race.

    Attributes
    ----------
    name
        What the table calls it.
    bytes
        Size of its file.
    segment
        A photo uint8 (H,W,3) to its mask (H,W).
    seconds
        Of each timed call.
    """

    name: str
    bytes: int
    segment: Callable[[Photo], NDArray[np.bool_]]
    seconds: list[float] = field(default_factory=list)


@says_errors
def main() -> int:
    """Compare, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "exports", metavar="EXPORT", type=Path, nargs="+", help="of humanseg export"
    )
    parser.add_argument("--data", type=Path, required=True, help="five folders")
    parser.add_argument("--calls", type=int, default=200, help="timed calls of each model")
    parser.add_argument("--threads", type=int, default=1, help="of each model")
    parser.add_argument("--csv", metavar="FILE", type=Path, help="write the table there, too")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where the npm package is kept")
    arguments = parser.parse_args()
    # Resizing, too, on the threads that the models have.
    cv2.setNumThreads(arguments.threads)
    contenders = [
        *(
            contender
            for folder in arguments.exports
            for contender in ours(folder, arguments.threads)
        ),
        *mediapipe(arguments.cache, arguments.threads),
    ]
    pairs = [
        (read_photo(item.photo), read_mask(item.mask))
        for item in list_items(arguments.data, "valid", masks=True)
        if item.mask is not None
    ]
    race(contenders, [photo for photo, _ in pairs], arguments.calls)
    rows = report(contenders, pairs, arguments.threads)
    if arguments.csv is not None:
        write_table(arguments.csv, pd.DataFrame(rows, columns=list(COLUMNS)))
        print(f"\n{arguments.csv}")
    return 0


def ours(folder: Path, threads: int) -> Iterator[Contender]:
    """Open the ONNX files of an export."""
    import onnxruntime

    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HumansegError(
            f"{folder} is not an export: it has no manifest.json that can be read. Make one by "
            f"humanseg export RUN --out {folder}."
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    for name, about in manifest["files"].items():
        if about["format"] != "onnx":
            continue
        session = onnxruntime.InferenceSession(
            str(folder / name), options, providers=["CPUExecutionProvider"]
        )
        segment = our_way(session, manifest["long_side"], manifest["threshold"])
        yield Contender(f"{manifest['name']} {about['precision']}", about["bytes"], segment)


def our_way(session: Any, long_side: int, threshold: float) -> Callable[[Photo], NDArray[np.bool_]]:
    """Run a file as its manifest says: what is larger than `long_side` is scaled down first."""

    def segment(photo: Photo) -> NDArray[np.bool_]:
        height, width = photo.shape[:2]
        scale = long_side / max(height, width)
        small = photo
        if scale < 1:
            size = max(1, round(width * scale)), max(1, round(height * scale))
            small = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
        entry = {"photo": np.ascontiguousarray(small.transpose(2, 0, 1)[None])}
        if small is photo:
            return np.asarray(session.run(["mask"], entry)[0][0, 0] > 0)
        (probability,) = session.run(["probability"], entry)
        return np.asarray(cv2.resize(probability[0, 0], (width, height)) > threshold)

    return segment


def mediapipe(cache: Path, threads: int) -> Iterator[Contender]:
    """Open MediaPipe's two selfie models."""
    try:
        from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-not-found]
    except ImportError as error:
        raise HumansegError(
            "MediaPipe's models run with ai-edge-litert, which is not installed: "
            "pip install ai-edge-litert"
        ) from error
    folder = fetch(cache)
    for name, (file, _) in MEDIAPIPE.items():
        interpreter = Interpreter(str(folder / file), num_threads=threads)
        interpreter.allocate_tensors()
        yield Contender(name, (folder / file).stat().st_size, their_way(interpreter))


def their_way(interpreter: Any) -> Callable[[Photo], NDArray[np.bool_]]:
    """Run a model as MediaPipe's graph does: RGB in [0, 1] at its own size, and back."""
    (entry,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    height, width = (int(side) for side in entry["shape"][1:3])

    def segment(photo: Photo) -> NDArray[np.bool_]:
        scaled = cv2.resize(photo, (width, height)).astype(np.float32) / 255
        interpreter.set_tensor(entry["index"], scaled[None])
        interpreter.invoke()
        probability = interpreter.get_tensor(result["index"])[0, :, :, 0]
        return np.asarray(cv2.resize(probability, photo.shape[1::-1]) > 0.5)

    return segment


def fetch(cache: Path) -> Path:
    """Have the npm package in the cache, and return the folder of its model files."""
    folder = cache / "mediapipe_selfie"
    if not all((folder / file).is_file() for file, _ in MEDIAPIPE.values()):
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "pack", PACKAGE, "--silent", "--pack-destination", str(folder)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        except FileNotFoundError as error:
            raise HumansegError(
                "MediaPipe's model files are fetched by npm, which is not installed: install "
                "Node.js (on Debian: apt install npm)."
            ) from error
        except subprocess.CalledProcessError as error:
            raise HumansegError(
                f"npm could not fetch {PACKAGE} ({error.stderr.strip()[:200] or 'no reason given'}"
                "): it needs a network."
            ) from error
        package = folder / done.stdout.split()[-1]
        with tarfile.open(package) as archive:
            for file, _ in MEDIAPIPE.values():
                content = archive.extractfile(f"package/{file}")
                assert content is not None
                write_bytes(folder / file, content.read())
        package.unlink()
    for file, digest in MEDIAPIPE.values():
        if hashlib.sha256((folder / file).read_bytes()).hexdigest() != digest:
            raise HumansegError(f"{folder / file} is not the file that is expected: remove it.")
    return folder


def race(contenders: Sequence[Contender], photos: Sequence[Photo], calls: int) -> None:
    """Time every model on the same photos, one call of each in turn."""
    order = np.random.default_rng(0)
    for call in range(calls + WARM_UP):
        photo = photos[call % len(photos)]
        for index in order.permutation(len(contenders)):
            start = time.perf_counter()
            contenders[index].segment(photo)
            if call >= WARM_UP:
                contenders[index].seconds.append(time.perf_counter() - start)


def report(
    contenders: Sequence[Contender], pairs: Sequence[tuple[Photo, Photo]], threads: int
) -> list[list[str | int | float]]:
    """Print name, latency, size and mean Dice of every model; return them as rows."""
    sizes = {f"{photo.shape[0]}×{photo.shape[1]}" for photo, _ in pairs}
    calls = len(contenders[0].seconds)
    print(
        f"{calls} interleaved calls of each model on {threads} thread{'s' * (threads > 1)}, "
        f"{len(pairs)} valid photos of {', '.join(sorted(sizes)[:3])} (height × width)\n"
    )
    print(f"{'model':<40}{'file':>9}{'median':>11}{'10 to 90 %':>20}{'Dice':>9}")
    rows: list[list[str | int | float]] = []
    for contender in contenders:
        milliseconds = sorted(1e3 * duration for duration in contender.seconds)
        low, high = np.quantile(milliseconds, (0.1, 0.9))
        score = statistics.fmean(dice(contender.segment(photo), truth) for photo, truth in pairs)
        median = statistics.median(milliseconds)
        print(
            f"{contender.name:<40}{contender.bytes / 1e6:>6.2f} MB{median:>8.2f} ms"
            f"{f'{low:.2f} to {high:.2f} ms':>20}{score:>9.4f}"
        )
        rows.append([contender.name, round(median, 3), contender.bytes, round(score, 6)])
    return rows


if __name__ == "__main__":
    sys.exit(main())
