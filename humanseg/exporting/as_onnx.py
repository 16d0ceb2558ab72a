"""The ONNX file of a named model; a checkpoint is converted, and the file is cached."""

import hashlib
import os
from collections.abc import Callable
from os import PathLike
from pathlib import Path

from humanseg import __version__
from humanseg.inference.catalog import Use
from humanseg.inference.named_model import NamedModel, needs_torch, resolve_model

_KEPT = 16
"""So many files are kept; those that were not used for longest make room."""

Notify = Callable[[str], None]


def as_onnx(
    model: "str | PathLike[str] | None", use: Use = "photos", notify: Notify = lambda text: None
) -> Path:
    """Return the ONNX file for a person's name for a model; see `resolve_model`.

    A run that has none yet, and a checkpoint other than the best one, is converted once: the file
    is in the folder `models` of humanseg's cache, by the digest of the checkpoint.
    """
    found = resolve_model(model, use)
    if found.onnx is not None:
        return found.onnx
    try:
        import onnxscript  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise needs_torch(found) from error
    return _converted(found, notify)


def _converted(found: NamedModel, notify: Notify) -> Path:
    # Only here: it loads torch.
    from humanseg.config.load import load_run_config
    from humanseg.data.cache.disk import cache_folder
    from humanseg.evaluation.data import common_size, data_of
    from humanseg.evaluation.evaluated_model import data_root
    from humanseg.models.onnx.run_file import load_network, write_onnx

    run = found.run
    assert run is not None
    checkpoint = run.best if found.path == run.path else found.path
    folder = cache_folder("models")
    file = folder / f"{_digest(checkpoint, run.config, run.summary)}.onnx"
    if not file.is_file():
        notify(f"Converting {checkpoint} to ONNX, once; it takes up to a minute …")
        root = data_root(load_run_config(run.config))
        trained = load_network(run, checkpoint)
        size = None
        if root is not None and root.is_dir():
            size = common_size(data_of(trained.config))
        _make_room(folder)
        write_onnx(trained, size, file)
    os.utime(file)
    return file


def _digest(checkpoint: Path, *settings: Path) -> str:
    """Return a digest of all that shapes the file: weights, settings, and what converts them."""
    with checkpoint.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256")
    for path in settings:
        digest.update(path.read_bytes() if path.is_file() else b"")
    digest.update(__version__.encode())
    return digest.hexdigest()[:32]


def _make_room(folder: Path) -> None:
    files = sorted(folder.glob("*.onnx"), key=lambda path: path.stat().st_mtime, reverse=True)
    for file in files[_KEPT - 1 :]:
        file.unlink(missing_ok=True)
