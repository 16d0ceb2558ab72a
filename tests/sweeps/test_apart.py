"""How the process of a job is started."""

import multiprocessing
import tempfile
from pathlib import Path

import pytest

from humanseg.sweeps.apart import start_method


def test_a_process_starts_whatever_the_name_of_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 90)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    # A server to fork from would be reached by a socket there, and has none by so long a name.
    assert start_method() == "spawn"
    monkeypatch.setattr(tempfile, "tempdir", "/tmp")
    assert start_method() in multiprocessing.get_all_start_methods()
