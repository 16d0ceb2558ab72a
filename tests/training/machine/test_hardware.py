import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from omegaconf import DictConfig

from humanseg.errors import HumansegError
from humanseg.models.device import unusable_gpu, usable_accelerator
from humanseg.training.machine import hardware
from humanseg.training.machine.hardware import choose_hardware
from humanseg.training.trainer import build_trainer

Patch = pytest.MonkeyPatch

ARCHITECTURES = ["sm_70", "sm_75", "sm_80", "sm_90"]


@pytest.fixture
def machine(monkeypatch: Patch) -> "Machine":
    return Machine(monkeypatch)


class Machine:
    """Pretends to be another machine."""

    def __init__(self, patch: Patch) -> None:
        self.patch = patch
        self(gpu=None, mps=False, bf16=False)

    def __call__(
        self, gpu: tuple[int, int] | None = None, mps: bool = False, bf16: bool = False
    ) -> None:
        self.patch.setattr(torch.cuda, "is_available", lambda: gpu is not None)
        self.patch.setattr(torch.cuda, "device_count", lambda: int(gpu is not None))
        self.patch.setattr(torch.cuda, "get_device_capability", lambda *_: gpu)
        self.patch.setattr(torch.cuda, "get_device_name", lambda *_: "a GPU")
        self.patch.setattr(
            torch.cuda, "get_arch_list", lambda: ["sm_70", "sm_75", "sm_80", "sm_90"]
        )
        # What torch says of a T4 too.
        self.patch.setattr(torch.cuda, "is_bf16_supported", lambda *_, **__: True)
        self.patch.setattr(torch.backends.mps, "is_available", lambda: mps)
        self.patch.setattr(hardware, "has_bf16_units", lambda: bf16)


@pytest.mark.parametrize(
    ("capability", "precision"),
    [
        ((7, 0), "16-mixed"),  # V100
        ((7, 5), "16-mixed"),  # T4
        ((8, 0), "bf16-mixed"),  # A100
        ((8, 9), "bf16-mixed"),  # L4
        ((9, 0), "bf16-mixed"),  # H100
    ],
)
@pytest.mark.parametrize("accelerator", ["auto", "gpu", "cuda"])
def test_a_gpu_computes_in_what_it_has_units_for(
    machine: Machine, capability: tuple[int, int], precision: str, accelerator: str
) -> None:
    machine(gpu=capability, bf16=True)
    chosen = choose_hardware(accelerator)
    assert (chosen.device, chosen.precision, chosen.channels_last) == ("cuda", precision, True)


@pytest.mark.parametrize(("bf16", "precision"), [(True, "bf16-mixed"), (False, "32-true")])
def test_a_cpu_computes_in_bf16_where_it_has_units(
    machine: Machine, bf16: bool, precision: str
) -> None:
    machine(bf16=bf16)
    for accelerator in ("auto", "cpu"):
        chosen = choose_hardware(accelerator)
        assert (chosen.device, chosen.precision, chosen.channels_last) == ("cpu", precision, True)


def test_the_cpu_is_taken_when_it_is_asked_for(machine: Machine) -> None:
    machine(gpu=(8, 0), mps=True)
    assert choose_hardware("cpu").device == "cpu"


def test_apple_computes_in_fp32_in_the_usual_layout(machine: Machine) -> None:
    machine(mps=True, bf16=True)
    for accelerator in ("auto", "mps"):
        chosen = choose_hardware(accelerator)
        assert (chosen.device, chosen.precision) == ("mps", "32-true")
        assert not chosen.channels_last


def test_what_is_asked_for_is_taken(machine: Machine) -> None:
    machine(gpu=(8, 0))
    chosen = choose_hardware("auto", precision=32, channels_last=False, threads=3)
    assert (chosen.precision, chosen.channels_last, chosen.threads) == ("32", False, 3)
    assert choose_hardware("cpu", precision="16-mixed").precision == "16-mixed"
    machine(mps=True)
    assert choose_hardware(channels_last=True).channels_last


def test_threads_are_those_of_torch(machine: Machine) -> None:
    assert choose_hardware().threads == torch.get_num_threads()


def test_the_log_says_what_was_chosen_and_why(machine: Machine) -> None:
    machine(bf16=True)
    text = str(choose_hardware(threads=2))
    for word in ("cpu", "bf16-mixed", "this CPU has bf16 units", "channels_last", "2 threads"):
        assert word in text
    assert "as requested" in str(choose_hardware(precision="32-true"))


def test_processes_share_the_threads(machine: Machine) -> None:
    machine(bf16=True)
    chosen = replace(choose_hardware(threads=5), processes=2)
    assert chosen.threads_each == 2
    assert str(chosen).startswith("2 processes, each cpu") and str(chosen).endswith(" 2 threads")
    assert replace(chosen, processes=9).threads_each == 1


@pytest.mark.parametrize("accelerator", ["gpu", "cuda", "mps"])
def test_a_missing_device_is_named(machine: Machine, accelerator: str) -> None:
    machine()
    with pytest.raises(HumansegError, match=f"trainer.accelerator={accelerator}.*trainer=cpu"):
        choose_hardware(accelerator)


@pytest.mark.parametrize("capability", [(6, 0), (12, 0)])
def test_a_gpu_that_torch_was_not_built_for_is_left_alone(
    machine: Machine, compose: Callable[..., DictConfig], capability: tuple[int, int]
) -> None:
    machine(gpu=capability)
    chosen = choose_hardware()
    assert chosen.device == "cpu" and "capability" in unusable_gpu()
    assert build_trainer(compose(), chosen, []).strategy.root_device.type == "cpu"
    with pytest.raises(HumansegError, match=f"a GPU, of compute capability {capability[0]}.0"):
        choose_hardware("gpu")


def test_one_gpu_of_several_that_torch_was_built_for_is_enough(
    machine: Machine, monkeypatch: Patch
) -> None:
    machine(gpu=(6, 1))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda gpu=0: ((6, 1), (8, 6))[gpu])
    assert choose_hardware().device == "cuda"


def test_a_newer_gpu_runs_what_torch_has_compiled_for_later_ones(
    machine: Machine, monkeypatch: Patch
) -> None:
    machine(gpu=(12, 0))
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_90", "compute_90"])
    assert choose_hardware().device == "cuda" and not unusable_gpu()


def test_a_driver_that_is_too_old_for_torch_is_named(machine: Machine, monkeypatch: Patch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("The NVIDIA driver on your system is too old (found version 11040).")

    machine(gpu=(8, 0))
    monkeypatch.setattr(torch.cuda, "get_device_capability", refuse)
    assert choose_hardware().device == "cpu" and "too old" in unusable_gpu()
    with pytest.raises(HumansegError, match="too old"):
        choose_hardware("cuda")


def test_a_run_from_a_gpu_is_evaluated_where_there_is_none(machine: Machine) -> None:
    machine()
    assert usable_accelerator("gpu") == usable_accelerator("mps") == "auto"
    assert usable_accelerator("cpu") == "cpu"
    machine(gpu=(8, 0))
    assert usable_accelerator("gpu") == "gpu"


@pytest.mark.parametrize(
    ("capability", "onednn", "avx512_bf16", "amx", "has"),
    [
        ("AVX512", True, True, False, True),
        ("AVX512", True, False, True, True),
        # oneDNN says yes, and emulates.
        ("AVX512", True, False, False, False),
        ("AVX2", False, False, False, False),
        ("DEFAULT", True, False, False, True),  # Arm
        ("DEFAULT", False, False, False, False),
    ],
)
def test_bf16_units_of_a_cpu(
    monkeypatch: Patch, capability: str, onednn: bool, avx512_bf16: bool, amx: bool, has: bool
) -> None:
    class Ops:
        def _is_mkldnn_bf16_supported(self) -> bool:
            return onednn

    monkeypatch.setattr(torch.ops, "mkldnn", Ops())
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512_bf16)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert hardware.has_bf16_units() is has


FREED = """
import resource
import numpy as np
from humanseg.training.machine.hardware import keep_freed_memory

def faults():
    for turn in range(21):
        if turn == 1:
            start = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        np.ones(40_000_000, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - start

print(faults(), faults() if keep_freed_memory() else -1)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_memory_that_was_freed_is_used_again() -> None:
    # In a process of its own: what the C library does with memory is a matter of the whole one.
    command = [sys.executable, "-c", FREED]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    default, reused = map(int, run.stdout.split())
    if reused < 0:
        pytest.skip("this C library cannot be told")
    assert reused < default / 10
