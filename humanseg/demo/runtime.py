"""onnxruntime-web, which runs the model in the page: from npm, pinned by a lock."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from humanseg.errors import HumansegError
from humanseg.io.files import whole_folder

_HERE = Path(__file__).parent
_PROJECT = _HERE / "npm"
_PACKAGE = "onnxruntime-web"

LICENCE = _PROJECT / "LICENSE.txt"
"""The licence of the runtime, to be distributed with it."""

RUNTIME = _HERE / "runtime"
"""The plain runtime, in a folder named by its version: built, not tracked, packed in the wheel."""

PLAIN = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
"""The runtime for processors."""

WEBGPU = (
    "ort.webgpu.min.mjs",
    "ort-wasm-simd-threaded.asyncify.mjs",
    "ort-wasm-simd-threaded.asyncify.wasm",
)
"""The runtime for GPUs: twice as large, so only static pages include it."""


class NpmError(HumansegError):
    """npm is not installed, or could not fetch the runtime."""

    code = "demo.npm"


def ready_runtime() -> list[Path]:
    """Return the files of the plain runtime, fetched by npm where they are missing."""
    folder = RUNTIME / f"{_PACKAGE}-{_version()}"
    files = [folder / name for name in PLAIN]
    if all(file.is_file() for file in files):
        return files
    try:
        with npm_files(PLAIN) as fetched:
            _keep(fetched, folder.name)
    except NpmError as error:
        raise NpmError(
            f"{error} It runs the model in the page, and this copy of humanseg lacks it; a wheel "
            "that make wheel built brings it."
        ) from error
    return files


def _keep(fetched: Sequence[Path], name: str) -> None:
    """Write files into the folder of that name, and remove those of other versions."""
    with whole_folder(RUNTIME) as partial:
        (partial / name).mkdir()
        for file in fetched:
            shutil.copy(file, partial / name)


@contextmanager
def npm_files(names: Sequence[str]) -> Iterator[list[Path]]:
    """Fetch files of the runtime by npm into a folder that exists as long as the block."""
    npm = shutil.which("npm")
    if npm is None:
        raise NpmError(f"{_PACKAGE} comes by npm, which is not installed: install Node.js.")
    with TemporaryDirectory(prefix="humanseg-demo-") as name:
        folder = Path(name)
        for file in ("package.json", "package-lock.json"):
            shutil.copy(_PROJECT / file, folder)
        # Without the packages' scripts: only files are needed.
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        command += ["--no-update-notifier"]
        run = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
        )
        if run.returncode:
            reason = (run.stderr.strip() or run.stdout.strip() or "no reason given").splitlines()
            raise NpmError(
                f"npm could not bring {_PACKAGE} {_version()} ({reason[0]}): look at the network, "
                f"or run npm ci in {_PROJECT} to see more."
            )
        yield [folder / "node_modules" / _PACKAGE / "dist" / name for name in names]


def _version() -> str:
    project = json.loads((_PROJECT / "package.json").read_text(encoding="utf-8"))
    version: str = project["dependencies"][_PACKAGE]
    return version
