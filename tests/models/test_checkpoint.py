import os
import pickle
import pickletools
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from humanseg.errors import HumansegError
from humanseg.models.checkpoint import (
    load_segmenter,
    load_weights,
    read_checkpoint,
)
from humanseg.runs import RunFolder


class Payload:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> Any:
        return os.system, (self.command,)


def test_a_moved_run_gives_the_same_model(trained: RunFolder, copied: RunFolder) -> None:
    first, _ = load_segmenter(trained)
    second, config = load_segmenter(copied)
    image = torch.randint(0, 256, (1, 3, 37, 29), dtype=torch.uint8)
    logits = second(image)
    assert torch.equal(first(image), logits)
    assert logits.dtype == torch.float32 and not second.training
    assert {value.dtype for value in second.parameters()} == {torch.float32}
    assert config.seed == 0


def test_the_file_that_a_backbone_started_from_is_not_needed(
    tmp_path: Path, train_run: Callable[..., RunFolder]
) -> None:
    """The checkpoint holds all weights, so a run can go where that file is not."""
    timm = pytest.importorskip("timm")
    from safetensors.torch import save_file

    name = "mobilenetv3_small_050"
    net = timm.create_model(name, pretrained=False)
    file = tmp_path / "net.safetensors"
    save_file(net.state_dict(), file)
    run = train_run(
        tmp_path / "run",
        "backbone=mobilenetv3",
        f"backbone.name={name}",
        f"backbone.weights={file}",
        "trainer.max_epochs=1",
        "trainer.limit_train_batches=1",
    )
    file.unlink()
    load_segmenter(run)


def test_the_best_checkpoint_holds_tensors_and_plain_values(trained: RunFolder) -> None:
    for path in (trained.best, trained.last):
        checkpoint = torch.load(path, weights_only=True)
        assert "hyper_parameters" not in checkpoint
        with zipfile.ZipFile(path) as archive:
            (pickled,) = [name for name in archive.namelist() if name.endswith("data.pkl")]
            operations = list(pickletools.genops(archive.read(pickled)))
        names = {str(value) for code, value, _ in operations if code.name == "GLOBAL"}
        assert names and not {code.name for code, _, _ in operations} & {"STACK_GLOBAL", "INST"}
        assert {name.split(" ")[0].split(".")[0] for name in names} <= {"torch", "collections"}


@pytest.mark.parametrize("kind", ["zip", "legacy", "plain"])
@pytest.mark.parametrize("through", ["read", "load", "init"])
def test_code_in_a_checkpoint_is_never_executed(
    copied: RunFolder, tmp_path: Path, kind: str, through: str
) -> None:
    target = tmp_path / "executed"
    content = {"state_dict": {"segmenter.x": torch.zeros(1)}, "x": Payload(f"touch {target}")}
    if kind == "plain":
        copied.best.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, copied.best, _use_new_zipfile_serialization=kind == "zip")
    with pytest.raises(HumansegError, match=r"best\.ckpt"):
        if through == "read":
            read_checkpoint(copied.best)
        elif through == "load":
            load_segmenter(copied)
        else:
            load_weights(load_segmenter(copied)[0], copied.best)
    assert not target.exists()


@pytest.mark.parametrize("payload", [Payload("true"), Path("x"), OmegaConf.create({"a": 1})])
def test_code_in_a_checkpoint_is_named_as_such(tmp_path: Path, payload: Any) -> None:
    path = tmp_path / "evil.ckpt"
    torch.save({"state_dict": {}, "x": payload}, path)
    with pytest.raises(HumansegError, match="holds pickled code, which was not executed"):
        read_checkpoint(path)


def test_the_payload_of_these_tests_is_live(tmp_path: Path) -> None:
    target = tmp_path / "executed"
    pickle.loads(pickle.dumps(Payload(f"touch {target}")))
    assert target.exists()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.7, 0.99, 0.9999])
def test_a_checkpoint_that_was_cut_short_is_named(copied: RunFolder, share: float) -> None:
    content = copied.best.read_bytes()
    copied.best.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(HumansegError, match="broken or cut short"):
        load_segmenter(copied)


def test_a_checkpoint_with_wrong_bytes_never_ends_in_a_traceback(copied: RunFolder) -> None:
    content = copied.best.read_bytes()
    generator = np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        broken = np.frombuffer(content, np.uint8).copy()
        places = generator.integers(0, len(broken), 300)
        broken[places] = generator.integers(0, 256, 300)
        copied.best.write_bytes(broken.tobytes())
        try:
            read_checkpoint(copied.best)
        except HumansegError as error:
            refused += 1
            assert "pickled code" not in str(error), "a broken file is no attack"
    assert refused > 0


@pytest.mark.parametrize(
    "content",
    [
        {"model": {}},
        {"state_dict": [1]},
        {"state_dict": {"segmenter.x": 3}},
        {"state_dict": {1: torch.zeros(1)}},
        [torch.zeros(1)],
        torch.zeros(3),
    ],
)
def test_a_file_of_something_else_is_no_checkpoint(copied: RunFolder, content: Any) -> None:
    torch.save(content, copied.best)
    with pytest.raises(HumansegError, match="not a checkpoint of a training"):
        load_segmenter(copied)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", b"\x80\x02."])
def test_a_file_of_some_bytes_is_no_checkpoint(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.ckpt"
    path.write_bytes(content)
    with pytest.raises(HumansegError, match=r"x\.ckpt"):
        read_checkpoint(path)


def test_a_checkpoint_of_another_model_names_what_does_not_fit(copied: RunFolder) -> None:
    config: Any = OmegaConf.load(copied.config)
    config.model.decoder_channels = [6]
    OmegaConf.save(config, copied.config)
    with pytest.raises(
        HumansegError, match=r"another model; these do not fit: net\.decoder\..*more"
    ):
        load_segmenter(copied)


def test_a_run_without_a_checkpoint_has_not_finished_an_epoch(copied: RunFolder) -> None:
    shutil.rmtree(copied.best.parent)
    with pytest.raises(HumansegError, match="any more, though the run has finished epochs"):
        load_segmenter(copied)
    copied.history.unlink()
    with pytest.raises(HumansegError, match="has not finished an epoch"):
        load_segmenter(copied)


@pytest.mark.parametrize("key", ["model", "backbone"])
@pytest.mark.parametrize("target", ["os.system", "subprocess.run", "builtins.eval"])
def test_a_config_that_names_any_function_is_refused(
    copied: RunFolder, tmp_path: Path, key: str, target: str
) -> None:
    made = tmp_path / "executed"
    config: Any = OmegaConf.load(copied.config)
    config[key] = {"_target_": target, "_args_": [f"touch {made}"]}
    OmegaConf.save(config, copied.config)
    with pytest.raises(HumansegError, match=target.split(".")[0]):
        load_segmenter(copied)
    assert not made.exists()


@pytest.mark.parametrize("key", ["model", "backbone", "data"])
def test_a_config_that_lacks_a_part_is_no_run(copied: RunFolder, key: str) -> None:
    config: Any = OmegaConf.load(copied.config)
    del config[key]
    OmegaConf.save(config, copied.config)
    with pytest.raises(HumansegError, match=f"it has no {key}"):
        load_segmenter(copied)
