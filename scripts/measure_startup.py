"""Measure the import of humanseg, and the time from a cold start to the first mask.

Every measurement is a process of its own, by the Python that runs this script: run it with the one
of an environment that holds the installed wheel. The first mask counts all of the process: starting
Python, importing, loading the model, reading the photo and predicting.

    python scripts/measure_startup.py [--model FILE] [--photo FILE] [--rounds 10]
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

IMPORT = """
import time
start = time.perf_counter()
import humanseg
print(time.perf_counter() - start)
"""
FIRST_MASK = """
import sys
import humanseg
photo, *model = sys.argv[1:]
humanseg.load(*model)(photo)
"""


def main() -> int:
    """Measure both, and print the median of each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="default: the bundled model")
    parser.add_argument("--photo", type=Path, help="default: a drawn one of 320×240")
    parser.add_argument("--rounds", type=int, default=10, help="measurements of each")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        photo = arguments.photo or draw(Path(folder) / "photo.png")
        words = [str(path) for path in (photo, arguments.model) if path is not None]
        print(f"Python {sys.version.split()[0]}, median of {arguments.rounds}")
        report("import humanseg", [imported() for _ in range(arguments.rounds)])
        report("first mask", [seconds(FIRST_MASK, words) for _ in range(arguments.rounds)])
        report("Python alone", [seconds("", []) for _ in range(arguments.rounds)])
    return 0


def draw(path: Path) -> Path:
    """Write a photo of the built-in sample."""
    from humanseg.data.synthetic import draw_photo
    from humanseg.io.images import write_image

    photo, _, _ = draw_photo(seed=0, number=0)
    write_image(path, photo)
    return path


def imported() -> float:
    """Return the seconds that the import takes, as Python itself counts them."""
    return float(run(IMPORT, []))


def seconds(code: str, words: list[str]) -> float:
    """Return the seconds that a process takes from its start to its end."""
    start = time.perf_counter()
    run(code, words)
    return time.perf_counter() - start


def run(code: str, words: list[str]) -> str:
    """Run code in a fresh interpreter, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"The measurement failed:\n{done.stderr}")
    return done.stdout


def report(what: str, measured: list[float]) -> None:
    """Print the median and the range of some measurements."""
    print(
        f"{what:<16}{statistics.median(measured):7.3f} s   "
        f"({min(measured):.3f} to {max(measured):.3f})"
    )


if __name__ == "__main__":
    sys.exit(main())
