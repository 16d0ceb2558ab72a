"""Try what an installation without extras can do, on any system.

python scripts/try_without_training.py writes the sample, checks it, and predicts its test photos by
the command and in Python. It ends with 1 where something does not work.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

COMMANDS = (
    ("--version",),
    ("sample", "sample"),
    ("check", "sample", "--html", "check.html"),
    ("predict", "sample/test", "--out", "out", "--save", "mask,cutout", "--background", "blur:9"),
)


def failures(folder: Path) -> list[str]:
    """Run everything in an empty folder; return what did not work."""
    found = []
    for words in COMMANDS:
        command = [sys.executable, "-m", "humanseg", *words]
        print("humanseg", *words, flush=True)
        if code := subprocess.run(command, cwd=folder, check=False).returncode:
            found.append(f"humanseg {' '.join(words)} ended with {code}")
    photos = sorted((folder / "sample" / "test").glob("*.*"))
    made = sorted(path.name for path in (folder / "out").glob("*_mask.png"))
    if len(made) != len(photos) or not photos:
        found.append(f"{len(photos)} photos gave {len(made)} masks")
    import humanseg

    for photo in photos[:1]:
        mask = humanseg.load()(photo)
        if mask.ndim != 2 or set(mask.flat) - {0, 1}:
            found.append(f"humanseg.load()({photo.name!r}) gave no mask")
    if "torch" in sys.modules:
        found.append("torch was loaded")
    return found


def main() -> int:
    """Try everything; return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        found = failures(Path(folder))
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
