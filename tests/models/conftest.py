"""A small trained run, as the tests of training have it."""

from tests.training.conftest import (  # noqa: F401
    copied,
    one_thread,
    train_run,
    trained,
)
