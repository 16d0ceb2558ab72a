"""Trainings in this process."""

from collections.abc import Callable, Iterator

import pytest
import torch

from humanseg.runs import RunFolder

Train = Callable[..., RunFolder]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Train on one thread: these nets are too small to share out."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
