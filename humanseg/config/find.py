"""Finds the folder of the configs, `conf`."""

from pathlib import Path

from humanseg.errors import HumansegError

_PACKAGE = Path(__file__).resolve().parent.parent


def conf_folder() -> Path:
    """Find the folder of shipped configs.

    A wheel carries it inside the package, as ``humanseg/conf``; in a checkout, and so in an
    editable install, it is beside the package.
    """
    for folder in (_PACKAGE / "conf", _PACKAGE.parent / "conf"):
        if (folder / "train.yaml").is_file():
            return folder
    raise HumansegError(
        f"The shipped configs are missing: there is no conf/train.yaml in {_PACKAGE} nor beside "
        "it. Install humanseg again."
    )
