"""An open model file, in whatever process it is used."""

import ctypes
import hashlib
import os
import re
import threading
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from humanseg.errors import HumansegError
from humanseg.inference.model_file import DEFAULT_MODEL
from humanseg.inference.providers import Resolved, require_in_use, resolve_providers

_FATAL = 4


class Session:
    """Runs an ONNX file by onnxruntime; from several threads at once, if need be.

    It may be pickled and copied, and used in a process that was forked meanwhile: such a process
    opens the file again at the first call, since onnxruntime's threads are not forked with it.
    """

    def __init__(self, file: Path, threads: int, providers: Resolved) -> None:
        # Of the process that opens it again, the working folder may be another one.
        self._file = Path(os.path.abspath(file))
        self._threads, self._providers = threads, providers
        self._native: onnxruntime.InferenceSession | None = _open(file, threads, providers)
        self._sha256 = _digest(self._file)
        self._begin()

    @property
    def native(self) -> onnxruntime.InferenceSession:
        """Of onnxruntime, of this process."""
        if self._process != os.getpid():
            # Forked by something that Python did not hear of.
            self._leave_to_the_parent()
        with self._lock:
            if self._native is None:
                _require_same(self._file, self._sha256)
                self._native = _open(self._file, self._threads, self._providers)
            return self._native

    def run(self, outputs: list[str], inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Run the model, as onnxruntime does."""
        return [np.asarray(output) for output in self.native.run(outputs, dict(inputs))]

    def __copy__(self) -> Self:
        """Return itself: nothing of it changes."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return itself: nothing of it changes."""
        return self

    def __reduce__(self) -> tuple[Callable[..., "Session"], tuple[Any, ...]]:
        """Travel between processes as the name of the file, and what was in it."""
        name: str | Path = self._file
        if self._file.parent == DEFAULT_MODEL:
            # Wherever humanseg is installed there.
            name = self._file.name
        return _reopen, (name, self._threads, self._providers, self._sha256)

    def _begin(self) -> None:
        self._lock, self._process = threading.Lock(), os.getpid()
        _sessions.add(self)

    def _leave_to_the_parent(self) -> None:
        """Forget what another process has opened, without closing it.

        To close it here would wait for, or crash on, threads that this process does not have.
        """
        if self._native is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._native))
        self._native = None
        self._begin()


_sessions: "weakref.WeakSet[Session]" = weakref.WeakSet()


def _after_fork() -> None:
    for session in list(_sessions):
        session._leave_to_the_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def first_line(error: Exception) -> str:
    """Return what onnxruntime says, without the places in its source."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return re.sub(r"/\S+\.(cc|h):\d+ .*?\) (?=[A-Z])", " ", line)[:300]


def _open(file: Path, threads: int, providers: Resolved) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # More than there are cores would only wait for each other; 0 is one for each core.
    options.intra_op_num_threads = min(threads, os.cpu_count() or 1)
    options.log_severity_level = _FATAL
    try:
        # It would print that it goes on with the processor, and do so.
        session = onnxruntime.InferenceSession(
            file, sess_options=options, providers=providers, enable_fallback=0
        )
    except Exception as error:
        raise HumansegError(_explain(file, error)) from error
    require_in_use(session, providers)
    return session


def _reopen(name: str | Path, threads: int, providers: Resolved, sha256: str) -> Session:
    """Open a session that was pickled, perhaps on another machine."""
    file = DEFAULT_MODEL / name
    _require_same(file, sha256)
    names = [provider if isinstance(provider, str) else provider[0] for provider in providers]
    resolve_providers(names)
    return Session(file, threads, providers)


def _require_same(file: Path, sha256: str) -> None:
    if not file.is_file():
        raise HumansegError(
            f"There is no file {file} any more, from which this process should open the model "
            "again: keep it while the model is used, or load the model in this process."
        )
    if _digest(file) != sha256:
        raise HumansegError(
            f"{file} is not the file any more that the model was loaded from: load it again."
        )


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _explain(file: Path, error: Exception) -> str:
    said = str(error)
    if any(sign in said for sign in ("INVALID_PROTOBUF", "No graph was found")):
        return (
            f"{file} is not an ONNX file, or is cut off or broken: name a file that humanseg "
            "export wrote, or copy it again from its source."
        )
    return (
        f"onnxruntime {onnxruntime.__version__} cannot open {file} ({first_line(error)}). If a "
        "newer one wrote it: pip install -U onnxruntime. If not, export it again."
    )
