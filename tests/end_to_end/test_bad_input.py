"""What a person can get wrong ends in a paragraph and exit code 2, and leaves nothing half done."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Commands, Finished, Train


def explained(done: "Finished", *words: str, lines: int | None = 1) -> None:
    """Assert that a command ended with exit code 2 and a paragraph that has these words."""
    assert done.rc == 2, done
    assert "Traceback" not in done.stderr and "Error:" not in done.stderr
    for word in words:
        assert word in done.stderr
    if lines is not None:
        assert done.stderr.count("\n") == lines, done.stderr


def no_partial(folder: Path) -> bool:
    return not list(folder.rglob("*.partial"))


def no_train_masks(root: Path) -> None:
    shutil.rmtree(root / "train_mask")


def empty_valid(root: Path) -> None:
    for path in (root / "valid").iterdir():
        path.unlink()


def no_mask(root: Path) -> None:
    (root / "train_mask/3.png").unlink()


def truncated(root: Path) -> None:
    content = (root / "train/1.jpg").read_bytes()
    (root / "train/1.jpg").write_bytes(content[: len(content) // 2])


def text_as_photo(root: Path) -> None:
    (root / "test/9.jpg").write_text("Dear diary, today I was a photo.")


def other_size(root: Path) -> None:
    with Image.open(root / "valid_mask/7.png") as mask:
        mask.resize((33, 47)).save(root / "valid_mask/7.png")


def zero_bytes(root: Path) -> None:
    (root / "train_mask/4.png").write_bytes(b"")


SPOILT: dict[Callable[[Path], None], tuple[str, ...]] = {
    no_train_masks: ("train_mask",),
    empty_valid: ("valid", "photo"),
    no_mask: ("train", "3", "mask"),
    truncated: ("train/1.jpg",),
    text_as_photo: ("test/9.jpg",),
    other_size: ("valid_mask/7.png", "33x47", "48x64"),
    zero_bytes: ("train_mask/4.png", "empty"),
}


@pytest.mark.parametrize("spoil", SPOILT, ids=lambda spoil: spoil.__name__)
def test_spoilt_data_is_named(
    start_training: "Train", own_data: Path, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(own_data)
    done = start_training(tmp_path / "run", f"data.root={own_data}").wait()
    explained(done, str(own_data), "1 problem", *SPOILT[spoil], lines=2)
    assert sorted(tmp_path.iterdir()) == [own_data]


def test_everything_wrong_with_the_data_is_named_at_once(
    start_training: "Train", own_data: Path, tmp_path: Path
) -> None:
    chosen = [no_mask, truncated, text_as_photo, other_size, zero_bytes]
    for spoil in chosen:
        spoil(own_data)
    done = start_training(tmp_path / "run", f"data.root={own_data}").wait()
    explained(done, "5 problems", *(word for one in chosen for word in SPOILT[one]), lines=6)
    assert not (tmp_path / "run").exists()


def test_no_such_data_folder(start_training: "Train", tmp_path: Path) -> None:
    done = start_training(tmp_path / "run", f"data.root={tmp_path}/nowhere").wait()
    explained(done, f"{tmp_path}/nowhere")
    assert not list(tmp_path.iterdir())


def test_evaluate_checks_the_photos_first(
    commands: "Commands", finished_run: Path, own_data: Path
) -> None:
    other_size(own_data)
    truncated(own_data)
    done = commands.run("evaluate", finished_run, "--data", own_data)
    explained(done, "1 problem", "valid_mask/7.png", lines=2)
    done = commands.run("evaluate", finished_run, "--data", own_data, "--split", "train")
    explained(done, "1 problem", "train/1.jpg", lines=2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["model=unett"], ["model=unett", "did you mean unet?"]),
        (["optimizer.lrr=3"], ["optimizer.lrr", "did you mean optimizer.lr?"]),
        (["++optimizer.lrr=3"], ["optimizer.lrr", "lr"]),
        (["++optimiser.lr=3"], ["optimiser", "optimizer"]),
        (["data.batch_size=many"], ["data.batch_size"]),
        (["seed=-1"], ["seed: -1"]),
        (["data.fold=7"], ["data.fold=7"]),
        (["trainer.accelerator=gpuu"], ["trainer: ", "gpuu"]),
        (["+trainer.gradient_clip_algorithm=x"], ["trainer: "]),
        (["callbacks=[ema]", "callbacks.ema.decay=2"], ["callbacks.ema.decay: 2 is not a number"]),
        (["--config-dir", "mine", "experiment=typo"], ["optimizer.lrr", "modle"]),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_a_wrong_setting_is_named(
    commands: "Commands", sample_root: Path, tmp_path: Path, words: list[str], said: list[str]
) -> None:
    own = tmp_path / "mine/experiment"
    own.mkdir(parents=True)
    typo = "# @package _global_\noptimizer:\n  lrr: 0.1\nmodle: unet\n"
    (own / "typo.yaml").write_text(typo)
    done = commands.run("train", f"data.root={sample_root}", *words, cwd=tmp_path)
    explained(done, *said, lines=None)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_folder_that_is_taken(start_training: "Train", own_run: Path, tmp_path: Path) -> None:
    before = (own_run / "summary.json").read_bytes()
    explained(start_training(own_run).wait(), "already holds a run", f"resume={own_run}")
    assert (own_run / "summary.json").read_bytes() == before
    other = tmp_path / "other"
    other.mkdir()
    (other / "letter.txt").write_text("mine")
    explained(start_training(other).wait(), "holds files that are not a run", "run_dir=")
    assert [path.name for path in other.iterdir()] == ["letter.txt"]


def test_a_folder_below_a_file(start_training: "Train", tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    explained(start_training(tmp_path / "file/run").wait(), f"{tmp_path}/file/run", "is a file")
    explained(start_training(Path("/proc/run")).wait(), "/proc/run", "Cannot write")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mount a disk of a few kilobytes, or one that may not be written."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
        if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("mounting a small disk is not permitted here")
        return folder

    yield mount
    if os.path.ismount(folder):
        subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_may_not_be_written(
    start_training: "Train", small_disk: Callable[[str], Path]
) -> None:
    disk = small_disk("size=1m,ro")
    explained(start_training(disk / "run").wait(), f"Cannot write {disk}/run")


@pytest.mark.parametrize(
    "size",
    ["48k", *(pytest.param(size, marks=pytest.mark.slow) for size in ("16k", "96k", "160k"))],
)
def test_a_full_disk(
    start_training: "Train",
    commands: "Commands",
    small_disk: Callable[[str], Path],
    tmp_path: Path,
    size: str,
) -> None:
    disk = small_disk(f"size={size}")
    done = start_training(disk / "run", "trainer.max_epochs=2").wait()
    explained(done, f"Cannot write {disk}/run", "the disk is full")
    assert no_partial(disk)
    if (disk / "run/checkpoints/last.ckpt").exists():
        # What is there is whole: with more room it continues.
        subprocess.run(["mount", "-o", "remount,size=10m", str(disk)], check=True)
        assert commands.run("train", f"resume={disk}/run").rc == 0


def test_a_disk_that_is_full_for_the_cache(
    start_training: "Train", small_disk: Callable[[str], Path], tmp_path: Path
) -> None:
    disk = small_disk("size=16k")
    here = f"import os\nos.environ['HUMANSEG_CACHE'] = {str(disk)!r}"
    done = start_training(tmp_path / "run", "data.cache=disk", before=here).wait()
    explained(done, f"Cannot write {disk}/photos/", "the disk is full")
    assert no_partial(disk) and not (tmp_path / "run").exists()


def test_a_batch_that_does_not_fit_in_memory(start_training: "Train", tmp_path: Path) -> None:
    limit = """
import os, resource
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**29, used + 2**29))
"""
    big = ("data.crop_size=[4096,3072]", "data.resize_mode=resize", "data.batch_size=6")
    done = start_training(tmp_path / "run", *big, before=limit).wait()
    explained(done, "memory", "Lower data.batch_size")
    assert no_partial(tmp_path) and not list(tmp_path.rglob("*.ckpt"))


class Payload:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.path),)


def spoil_checkpoint(path: Path, how: str, trap: Path) -> None:
    """Put something else where a checkpoint was."""
    import torch

    content = path.read_bytes()
    if how == "cut short":
        path.write_bytes(content[: len(content) // 2])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "text":
        path.write_text("not a checkpoint")
    elif how == "foreign":
        torch.save([1, 2, 3], path)
    elif how == "pickled code":
        checkpoint = torch.load(path, weights_only=True)
        torch.save(checkpoint | {"hyper_parameters": Payload(trap)}, path)
    elif how == "missing":
        path.unlink()


@pytest.mark.parametrize(
    "how",
    [
        "cut short",
        "pickled code",
        *(
            pytest.param(how, marks=pytest.mark.slow)
            for how in ("empty", "text", "foreign", "missing")
        ),
    ],
)
def test_a_checkpoint_that_is_not_ours(
    commands: "Commands", start_training: "Train", own_run: Path, tmp_path: Path, how: str
) -> None:
    trap = tmp_path / "trap"
    for name in ("best", "last"):
        spoil_checkpoint(own_run / f"checkpoints/{name}.ckpt", how, trap)
    before = (own_run / "summary.json").read_bytes()
    best = str(own_run / "checkpoints/best.ckpt")
    explained(commands.run("evaluate", own_run), best)
    explained(start_training(tmp_path / "new", f"init_from={own_run}").wait(), best)
    assert not (tmp_path / "new").exists()
    if how != "missing":
        resumed = commands.run("train", f"resume={own_run}", "trainer.max_epochs=9")
        explained(resumed, str(own_run / "checkpoints/last.ckpt"))
        assert (own_run / "summary.json").read_bytes() == before
    assert not trap.exists(), "a pickle was executed"


@pytest.mark.parametrize(
    "group",
    ["model", *(pytest.param(g, marks=pytest.mark.slow) for g in ("data", "callbacks.ema"))],
)
def test_a_config_that_names_something_else_is_refused(
    commands: "Commands", own_run: Path, tmp_path: Path, group: str
) -> None:
    from omegaconf import OmegaConf

    config = OmegaConf.load(own_run / "config.yaml")
    trap = tmp_path / "trap"
    evil = {"_target_": "os.mkdir", "path": str(trap)}
    OmegaConf.update(config, group, evil, merge=False, force_add=True)
    OmegaConf.save(config, own_run / "config.yaml")
    for words in (["evaluate", own_run], ["train", f"resume={own_run}", "trainer.max_epochs=9"]):
        explained(commands.run(*words), group, "os.mkdir", lines=None)
    assert not trap.exists()


def test_init_from_another_model(
    start_training: "Train", finished_run: Path, tmp_path: Path
) -> None:
    other = start_training(
        tmp_path / "run", f"init_from={finished_run}", "model.decoder_channels=[6]"
    )
    explained(other.wait(), "checkpoint of another model", "net.decoder", "and 6 more")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "words", [["evaluate", "nowhere"], ["train", "resume=nowhere"], ["train", "init_from=nowhere"]]
)
def test_no_such_run(
    commands: "Commands", sample_root: Path, tmp_path: Path, words: list[str]
) -> None:
    data = [f"data.root={sample_root}", "backbone=plain"] if "init_from=nowhere" in words else []
    explained(commands.run(*words, *data, cwd=tmp_path), "nowhere")
    assert not list(tmp_path.iterdir())
