"""How `make test` shares tests out among processes: a file at a time, some folders as one."""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

TOGETHER = ("tests/end_to_end/", "tests/exporting/")
"""What such a folder's tests share takes longer to make than most of them: it is made once."""


class _ByFolder(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        folder = next(filter(nodeid.startswith, TOGETHER), None)
        return folder or super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    """Be asked by xdist for what shares the tests out."""
    return _ByFolder(config, log)
