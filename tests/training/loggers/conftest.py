import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any


@cache
def inspect(file: Path, *flags: str) -> str:
    command = [sys.executable, "-m", "wandb", "leet", "inspect", *flags, "--json", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def summary_of(file: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads(inspect(file, "--summary"))
    return summary
