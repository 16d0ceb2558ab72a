"""How `make test` shares tests out among processes: a file at a time, some folders as one."""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

TOGETHER = ("tests/end_to_end/", "tests/exporting/")
"""What such a folder's tests share takes longer to make than most of them: it is made once."""

FIRST = ("tests/test_notebooks.py", "tests/training/machine/test_launch.py")
"""They take longest: as the last ones, they would leave other cores with nothing to do."""


class _ByFolder(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        folder = next(filter(nodeid.startswith, TOGETHER), None)
        return folder or super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    """Be asked by xdist for what shares the tests out."""
    return _ByFolder(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first; pytest calls this in each process, whose order must be the same."""
    items.sort(key=lambda item: not item.nodeid.startswith(FIRST))
