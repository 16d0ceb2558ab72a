"""A page and the folder of its pictures, built beside and moved into place together."""

import hashlib
import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from humanseg.io.files import whole_file, whole_folder
from humanseg.io.images import write_image

_LONGEST = 255  # bytes in one file name, on every common file system


def picture_name(id: str, ending: str) -> str:
    """Return the file name of a photo's picture: ``{id}{ending}`` wherever a file can be called so.

    An id that is too long, or that holds a slash or a NUL, is cut and told apart from others by a
    part of its SHA-256.
    """
    plain = f"{id}{ending}"
    if len(os.fsencode(plain)) <= _LONGEST and not {"/", "\0"} & set(id):
        return plain
    return _marked_name(id, ending)


def _marked_name(id: str, ending: str) -> str:
    raw = os.fsencode(id)
    mark = f"~{hashlib.sha256(raw).hexdigest()[:12]}{ending}"
    raw = raw.replace(b"/", b"_").replace(b"\0", b"_")
    return raw[: _LONGEST - len(os.fsencode(mark))].decode(errors="ignore") + mark


class PageFolder:
    """`{name}.html` and the folder of what it shows, written again.

    The files are written to a temporary folder beside the old ones. `finish` puts them and the
    page in place; until then, and when the program is killed, the earlier page stays as it was.
    At no moment does a page stand beside pictures that are not its own.

    Parameters
    ----------
    folder
        Where the page and its folder of pictures shall be. Made when missing.
    name
        Name of both.
    files
        Name of the folder, where it is another.
    """

    def __init__(self, folder: Path, name: str, files: str | None = None) -> None:
        self._page = folder / f"{name}.html"
        self._files = folder / (files or name)
        self._open = ExitStack()

    def start(self) -> None:
        """Start without pictures."""
        with ExitStack() as stack:
            self._new_page = stack.enter_context(whole_file(self._page))
            self._new_files = stack.enter_context(whole_folder(self._files))
            self._open = stack.pop_all()

    def add(self, id: str, ending: str, picture: NDArray[np.uint8]) -> str:
        """Write a picture, uint8 (H, W), (H, W, 3) or (H, W, 4); return its path from the page.

        The suffix of `ending` sets the format.
        """
        name = picture_name(id, ending)
        if (self._new_files / name).exists():
            # On a Mac or Windows, that of an id that differs in capitals only.
            name = _marked_name(id, ending)
        write_image(self._new_files / name, picture)
        return f"{self._files.name}/{name}"

    def path(self, name: str) -> Path:
        """Return where to write another file so that it lands in the folder under `name`."""
        path = self._new_files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def finish(self, write: Callable[[Path], None]) -> Path:
        """Move the pictures and the page, which `write` writes to a path, into place."""
        # Closed in the order of the pictures and then the page; after an error both are removed.
        with self._open.pop_all():
            write(self._new_page)
            self._page.unlink(missing_ok=True)
        return self._page

    def close(self) -> None:
        """Remove what is not in place."""
        error = Exception("discarded")
        self._open.__exit__(type(error), error, None)
