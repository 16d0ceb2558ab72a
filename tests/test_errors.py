"""How a script ends on what a person must change, and what is said of it."""

import errno
import os
import pickle
import signal
from pathlib import Path

import pytest

from humanseg.config.command_line.error_text import explain
from humanseg.errors import (
    Failure,
    FarTraceback,
    HumansegError,
    Refused,
    first_line,
    printable,
    says_errors,
)
from humanseg.system.interrupts import Interrupted


@pytest.mark.parametrize(
    ("error", "line"),
    [(ValueError("\n  one\ntwo\n"), "one"), (AssertionError(), "AssertionError")],
)
def test_an_error_always_has_a_first_line(error: Exception, line: str) -> None:
    assert first_line(error) == line


@pytest.mark.parametrize(("error", "code"), [(HumansegError, 2), (Refused, 3)])
def test_a_script_says_the_error_and_ends_with_its_code(
    error: type[HumansegError],
    code: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @says_errors
    def main(fail: bool) -> int:
        if fail:
            raise error("Do this instead.")
        return 0

    assert main(False) == 0
    assert main(True) == code
    assert capsys.readouterr().err == "Do this instead.\n"
    monkeypatch.setenv("HUMANSEG_DEBUG", "1")
    with pytest.raises(error):
        main(True)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("写真 ü 👩‍🚀.jpg", "写真 ü 👩‍🚀.jpg"),
        ("a\x1b[2Jb\r\x07\x9bc\x7f", r"a\x1b[2Jb\r\x07\x9bc\x7f"),
        ("right\u202eleft", r"right\u202eleft"),
        ("latin \udce4", r"latin \xe4"),
        ("two\nlines\u00a0wide", "two\nlines\u00a0wide"),
    ],
)
def test_a_terminal_is_shown_names_and_obeys_none(name: str, shown: str) -> None:
    assert printable(name) == shown


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (RuntimeError("unable to allocate shared memory(shm) for file </torch_1>"), "--shm-size"),
        (
            RuntimeError(
                "NCCL error in: NCCLUtils.hpp:268, unhandled system error\nLast error:\n"
                "Error while creating shared memory segment /dev/shm/nccl-1YsMbG (size 7340384)"
            ),
            "--shm-size",
        ),
        (
            RuntimeError("CUDA error: CUDA-capable device(s) is/are busy or unavailable\nCUDA"),
            "nvidia-smi",
        ),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "data.train_size"),
        (MemoryError(), "data.batch_size"),
        (OSError(errno.EMFILE, "Too many open files"), "ulimit -n"),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), "ulimit -u"),
        (RuntimeError("DataLoader worker (pid 7) exited unexpectedly"), "data.workers=0"),
        (
            RuntimeError("cumsum_cuda_kernel does not have a deterministic implementation, but"),
            "trainer.deterministic=warn",
        ),
    ],
)
def test_what_a_machine_lacks_is_told_with_its_remedy(error: Exception, remedy: str) -> None:
    assert remedy in str(explain(error))


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.EACCES, "change its permissions"),
        (errno.ENAMETOOLONG, "choose a shorter one"),
        (errno.ESTALE, "give the command again"),
    ],
)
def test_a_file_that_cannot_be_opened_is_named_with_a_remedy(number: int, remedy: str) -> None:
    error = OSError(number, os.strerror(number), "photos/1.jpg")
    explained = str(explain(error))
    assert explained.startswith("photos/1.jpg cannot be opened: ") and remedy in explained
    # Of which file, nobody could say.
    assert explain(OSError(number, os.strerror(number))) is None


def test_a_study_on_a_disk_that_cannot_lock_it_is_told() -> None:
    error = RuntimeError("An exception is raised during the commit.")
    error.__cause__ = ValueError("(sqlite3.OperationalError) database is locked\n[SQL: INSERT]")
    explained = str(explain(error))
    assert "cannot be used (database is locked)" in explained and "runs_dir" in explained


def test_a_home_folder_that_is_not_there_is_told() -> None:
    with pytest.raises(RuntimeError) as caught:
        Path("~nobody-of-this-name/photos").expanduser()
    assert "write the path out" in str(explain(caught.value))


def test_a_command_started_in_a_folder_that_is_gone_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    assert explain(gone) is None
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "here").rmdir()
    with pytest.raises(FileNotFoundError) as caught:
        Path("photos").absolute()
    assert "is started in is gone" in str(explain(caught.value))


def test_the_code_of_an_error_travels_with_it() -> None:
    error = HumansegError("There is no mask.", code="data.missing_mask")
    far = pickle.loads(pickle.dumps(error))
    assert (str(far), far.code) == ("There is no mask.", "data.missing_mask")
    assert HumansegError("Something else.").code == "general"


class OddError(Exception):
    """Cannot be taken apart and put together again."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(f"{one} and {other}")


@pytest.mark.parametrize(
    ("error", "raised", "message"),
    [
        (Refused("no further"), Refused, "^no further$"),
        (Interrupted(signal.SIGTERM), Interrupted, "SIGTERM"),
        (OddError(1, 2), RuntimeError, "OddError: 1 and 2"),
    ],
    ids=["refused", "interrupted", "odd"],
)
def test_an_error_of_another_process_comes_out_with_its_traceback(
    error: BaseException, raised: type[BaseException], message: str
) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error)) as there:
        fail()
    failure = pickle.loads(pickle.dumps(Failure.of(there.value)))
    with pytest.raises(raised, match=message) as here:
        failure.reraise()
    assert isinstance(here.value.__cause__, FarTraceback)
    assert "in fail" in str(here.value.__cause__)
