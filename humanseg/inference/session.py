"""An onnxruntime session that can be pickled, copied and used after a fork."""

import ctypes
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

from humanseg.errors import first_line
from humanseg.inference.catalog import BUNDLED
from humanseg.inference.model_file import ModelError
from humanseg.inference.providers import Resolved, require_in_use, resolve_providers
from humanseg.io.files import file_sha256
from humanseg.system.threads import available_cores

_FATAL = 4


class Session:
    """Runs an ONNX file by onnxruntime, from any number of threads.

    It may be pickled and copied, and used in a process that was forked meanwhile: such a process
    opens the file again at the first call, since onnxruntime's threads are not forked with it.
    """

    def __init__(self, file: Path, threads: int, providers: Resolved) -> None:
        # The process that opens it again may have another working folder.
        self._file = Path(os.path.abspath(file))
        self._threads, self._providers = threads, providers
        self._native: onnxruntime.InferenceSession | None = _open(file, threads, providers)
        self._sha256 = file_sha256(self._file)
        self._begin()

    @property
    def native(self) -> onnxruntime.InferenceSession:
        """The onnxruntime session of this process."""
        if self._process != os.getpid():
            # Forked without Python's knowledge.
            self._abandon()
        with self._lock:
            if self._native is None:
                _require_same(self._file, self._sha256)
                self._native = _open(self._file, self._threads, self._providers)
            return self._native

    def run(self, outputs: list[str], inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Run the model, as onnxruntime does."""
        return [np.asarray(output) for output in self.native.run(outputs, dict(inputs))]

    def __copy__(self) -> Self:
        """Return itself: it never changes."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return itself: it never changes."""
        return self

    def __reduce__(self) -> tuple[Callable[..., "Session"], tuple[Any, ...]]:
        """Pickle the name of the file and the digest of its bytes."""
        name: str | Path = self._file
        if self._file.is_relative_to(BUNDLED):
            # Wherever humanseg is installed in the other process.
            name = self._file.relative_to(BUNDLED)
        return _reopen, (name, self._threads, self._providers, self._sha256)

    def _begin(self) -> None:
        self._lock, self._process = threading.Lock(), os.getpid()
        _sessions.add(self)

    def _abandon(self) -> None:
        """Forget the session that another process opened, without closing it.

        To close it here would wait for, or crash on, threads that this process does not have.
        """
        if self._native is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._native))
        self._native = None
        self._begin()


_sessions: "weakref.WeakSet[Session]" = weakref.WeakSet()


def _after_fork() -> None:
    for session in list(_sessions):
        session._abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def runtime_reason(error: Exception) -> str:
    """Return the first line of an error of onnxruntime, without locations in its source."""
    return re.sub(r"/\S+\.(cc|h):\d+ .*?\) (?=[A-Z])", " ", first_line(error))[:300]


def _open(file: Path, threads: int, providers: Resolved) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    cores = available_cores()
    # More than there are cores would only wait for each other; 0 is one for each core of the
    # machine, of which a container may have few.
    most = 0 if cores == os.cpu_count() else cores
    options.intra_op_num_threads = min(threads, cores) or most
    options.log_severity_level = _FATAL
    if onnxruntime.__version__.startswith(("1.24.", "1.25.", "1.26.")):
        # On Macs since M4 its convolutions keep memory for every photo and every frame of a video:
        # https://github.com/microsoft/onnxruntime/issues/28231
        options.add_session_config_entry("mlas.disable_kleidiai", "1")
    try:
        # Without a fallback to the processor, which would only be printed.
        session = onnxruntime.InferenceSession(
            file, sess_options=options, providers=providers, enable_fallback=0
        )
    except Exception as error:
        raise ModelError(_explain(file, error)) from error
    require_in_use(session, providers)
    return session


def _reopen(name: str | Path, threads: int, providers: Resolved, sha256: str) -> Session:
    """Open a session that was pickled, perhaps on another machine."""
    file = BUNDLED / name
    _require_same(file, sha256)
    names = [provider if isinstance(provider, str) else provider[0] for provider in providers]
    resolve_providers(names)
    return Session(file, threads, providers)


def _require_same(file: Path, sha256: str) -> None:
    if not file.is_file():
        raise ModelError(
            f"There is no file {file} any more, from which this process should open the model "
            "again: keep it while the model is used, or load the model in this process.",
            code="inference.missing_model",
        )
    if file_sha256(file) != sha256:
        message = f"{file} is not the file any more that the model was loaded from: load it again."
        raise ModelError(message, code="inference.changed_model")


def _explain(file: Path, error: Exception) -> str:
    text = str(error)
    if any(sign in text for sign in ("INVALID_PROTOBUF", "No graph was found")):
        return (
            f"{file} is not an ONNX file, or is cut off or broken: name a file that humanseg "
            "export wrote, or copy it again from its source."
        )
    return (
        f"onnxruntime {onnxruntime.__version__} cannot open {file} ({runtime_reason(error)}). If a "
        "newer one wrote it: pip install -U onnxruntime. If not, export it again."
    )
