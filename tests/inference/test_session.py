"""A model travels: to another process by pickle, into a forked one, onto another device."""

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

import humanseg
from humanseg.errors import HumansegError
from humanseg.inference import providers, session
from humanseg.inference.catalog import BUNDLED

PHOTO: NDArray[np.uint8] = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_gives_the_same_and_keeps_what_was_set(red: Path, way: Any) -> None:
    model = humanseg.load(red, threads=1)
    model.threshold = 0.25
    other = way(model)
    assert other.threshold == 0.25
    np.testing.assert_array_equal(other(PHOTO), model(PHOTO))


@pytest.mark.parametrize(
    ("threads", "cores", "expected"),
    [(0, 8, 0), (1, 8, 1), (10_000, 8, 8), (0, 2, 2), (1, 2, 1), (10_000, 2, 2)],
)
def test_there_are_no_more_threads_than_cores(
    red: Path, monkeypatch: pytest.MonkeyPatch, threads: int, cores: int, expected: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(session, "available_cores", lambda: cores)
    options = humanseg.load(red, threads=threads)._session.native.get_session_options()
    assert options.intra_op_num_threads == expected


@pytest.mark.parametrize(("version", "leaks"), [("1.23.2", False), ("1.25.1", True)])
def test_convolutions_that_keep_memory_on_a_mac_are_not_used(
    red: Path, monkeypatch: pytest.MonkeyPatch, version: str, leaks: bool
) -> None:
    set_entries: list[tuple[str, str]] = []

    class Options(onnxruntime.SessionOptions):
        def add_session_config_entry(self, key: str, value: str) -> None:
            set_entries.append((key, value))
            super().add_session_config_entry(key, value)

    monkeypatch.setattr(onnxruntime, "SessionOptions", Options)
    monkeypatch.setattr(onnxruntime, "__version__", version)
    assert humanseg.load(red, threads=1)(PHOTO).shape == (20, 30)
    assert set_entries == [("mlas.disable_kleidiai", "1")] * leaks


def test_a_pickle_names_the_file_whatever_the_working_folder_is(
    write_red: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file: Path = write_red()
    monkeypatch.chdir(file.parent)
    pickled = pickle.dumps(humanseg.load(file.name))
    monkeypatch.chdir(tmp_path)
    assert pickle.loads(pickled)(PHOTO).shape == (20, 30)
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(HumansegError, match="not the file any more"):
        pickle.loads(pickled)
    file.unlink()
    with pytest.raises(HumansegError, match="There is no file .* any more"):
        pickle.loads(pickled)


def test_a_forked_process_says_that_the_file_is_gone_and_not_that_the_photo_is_too_large(
    write_red: Any,
) -> None:
    file: Path = write_red()
    model = humanseg.load(file)
    model._session._abandon()
    file.unlink()
    with pytest.raises(HumansegError, match="^There is no file .* any more"):
        model(PHOTO)


def test_the_bundled_model_is_found_wherever_humanseg_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pickled = pickle.dumps(humanseg.load("tiny", threads=1))
    elsewhere = tmp_path / "bundled"
    elsewhere.symlink_to(BUNDLED)
    monkeypatch.setattr(session, "BUNDLED", elsewhere)
    assert pickle.loads(pickled).name == humanseg.load("tiny").name


FORK = """
import gc, os, sys, warnings
import numpy as np
import humanseg
warnings.simplefilter("ignore")
model = humanseg.load(sys.argv[1], threads=4)
photo = np.full((32, 32, 3), 200, np.uint8)
assert model(photo).all()
child = os.fork()
if child == 0:
    if sys.argv[2] == "drops":
        del model
        gc.collect()
    elif sys.argv[2] == "predicts":
        for _ in range(3):
            assert model(photo).all()
    elif sys.argv[2] == "forks":
        assert model(photo).all()
        grandchild = os.fork()
        if grandchild:
            assert os.waitpid(grandchild, 0)[1] == 0
        else:
            assert model(photo).all()
    sys.exit(0)
_, status = os.waitpid(child, 0)
assert model(photo).all()
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("child", ["predicts", "drops", "ends", "forks"])
def test_a_process_that_is_forked_may_use_and_drop_the_model(red: Path, child: str) -> None:
    words = [sys.executable, "-c", FORK, str(red), child]
    done = subprocess.run(words, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_fork_that_python_did_not_hear_of_is_noticed(
    red: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = humanseg.load(red, threads=1)
    parents = model._session.native
    monkeypatch.setattr(os, "getpid", lambda: 1)
    assert model(PHOTO).shape == (20, 30)
    assert model._session.native is not parents


def test_what_to_run_on_goes_by_short_and_by_full_names() -> None:
    names: list[Any] = ["cpu", "CPU", "CPUExecutionProvider", ["cpu"], ("cpu", {}), [("cpu", {})]]
    for name in names:
        (found,) = providers.resolve_providers(name)
        assert found in ("CPUExecutionProvider", ("CPUExecutionProvider", {}))


def test_a_device_that_this_onnxruntime_has_is_used(
    red: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}

    class Opened(onnxruntime.InferenceSession):
        def __init__(self, file: Any, **options: Any) -> None:
            seen.update(options)
            super().__init__(file, **options | {"providers": ["CPUExecutionProvider"]})

        def get_providers(self) -> list[str]:
            return ["CUDAExecutionProvider", "CPUExecutionProvider"]

    libraries: list[str] = []
    # As where CUDA is a plugin.
    has_cuda = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: has_cuda if libraries else has_cuda[1:]
    )
    monkeypatch.setattr(onnxruntime, "InferenceSession", Opened)
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: libraries.append("found"))
    monkeypatch.setattr(onnxruntime, "cuda_version", "")
    humanseg.load(red, providers="cpu")
    with pytest.raises(HumansegError, match="has only"):
        humanseg.load(red, providers="cuda")
    assert not libraries, "onnxruntime 1.21 to 1.23 print a warning where they have no CUDA"
    monkeypatch.setattr(onnxruntime, "cuda_version", "12.8")
    humanseg.load(red, providers=[("cuda", {"device_id": 1}), "cpu"])
    assert libraries, "those that pip has installed are not found otherwise"
    wanted = [("CUDAExecutionProvider", {"device_id": 1}), "CPUExecutionProvider"]
    assert seen["providers"] == wanted
    assert not seen["enable_fallback"], "onnxruntime would continue with the processor"


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("cuda", r"has only .*CPUExecutionProvider.*pip install onnxruntime-gpu"),
        ("coreml", "macOS"),
        ("DmlExecutionProvider", "onnxruntime-directml"),
        (["cuda", "cpu"], "onnxruntime-gpu"),
        ("cudaa", "did you mean 'cuda'?"),
        (7, "a provider is a name"),
        ({"cuda": {}}, "a provider is a name"),
        ([("cpu",)], "a provider is a name"),
        (("cpu", "fast"), "no such provider"),
        ([("cpu", "device_id=1")], "a provider is a name"),
        ([], "providers is empty"),
    ],
)
def test_a_device_that_is_not_there_is_one_paragraph(red: Path, wanted: Any, message: str) -> None:
    with pytest.raises(HumansegError, match=message) as caught:
        humanseg.load(red, providers=wanted)
    assert str(caught.value).count("\n") == 0


def test_a_device_that_does_not_start_is_not_replaced_by_the_processor(
    red: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_cuda = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: has_cuda)
    with (
        pytest.warns(UserWarning, match="CUDAExecutionProvider"),
        pytest.raises(HumansegError, match="could not start it"),
    ):
        humanseg.load(red, providers="cuda")
    opened = onnxruntime.InferenceSession(red, providers=["CPUExecutionProvider"])
    with pytest.raises(HumansegError, match="could not start it, and would run .* instead"):
        providers.require_in_use(opened, ["CUDAExecutionProvider"])
