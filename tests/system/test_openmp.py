"""How threads wait is settled before torch is loaded, unless a person has settled it."""

import json
import os
import subprocess
import sys

import pytest

LOOK = """
import json, os, sys
from humanseg.training import hydra_app
assert "torch" not in sys.modules
print(json.dumps({key: os.environ.get(key) for key in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}))
"""


@pytest.mark.parametrize(
    ("given", "holds"),
    [
        ({}, {"GOMP_SPINCOUNT": "1000", "OMP_WAIT_POLICY": None}),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, {"GOMP_SPINCOUNT": None, "OMP_WAIT_POLICY": "ACTIVE"}),
        ({"GOMP_SPINCOUNT": "7"}, {"GOMP_SPINCOUNT": "7", "OMP_WAIT_POLICY": None}),
    ],
)
def test_threads_wait_asleep_unless_a_person_has_said_how(
    given: dict[str, str], holds: dict[str, str | None]
) -> None:
    names = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "KMP_BLOCKTIME")
    env = {key: value for key, value in os.environ.items() if key not in names} | given
    done = subprocess.run(
        [sys.executable, "-c", LOOK], env=env, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == holds
