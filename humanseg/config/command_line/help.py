"""The text of `humanseg train --help`.

Hydra fills in the same template, but copies all its configs for each group that it lists, which
takes longer than all else of the command together.
"""

from collections.abc import Sequence
from pathlib import Path
from string import Template
from textwrap import fill

import yaml

from humanseg.config.find import conf_folder
from humanseg.config.settings import BY_KEY, PLAIN_GROUPS, top_level

_FOLDER_FLAGS = ("--config-dir", "-cd")


def train_help(arguments: Sequence[str] = ()) -> str:
    """Fill in the help's template; of ``--config-dir DIR`` the groups are listed too."""
    conf = conf_folder()
    text = yaml.safe_load((conf / "hydra" / "help" / "humanseg.yaml").read_text("utf-8"))
    template = text["template"].replace("${hydra.help.header}", text["header"])
    groups = _groups([conf, *_config_dirs(arguments)])
    lines = (f"{name}: {', '.join(sorted(values))}" for name, values in sorted(groups.items()))
    settings = (
        fill(f"{key:<28}  {setting.help}", 100, subsequent_indent=" " * 30)
        for key, setting in BY_KEY.items()
        if key in top_level() or key.partition(".")[0] in PLAIN_GROUPS
    )
    return Template(template).substitute(
        APP_CONFIG_GROUPS="\n".join(lines), SETTINGS="\n".join(settings)
    )


def _groups(folders: Sequence[Path]) -> dict[str, set[str]]:
    groups: dict[str, set[str]] = {}
    for folder in folders:
        for path in folder.rglob("*.yaml"):
            relative = path.relative_to(folder)
            if len(relative.parts) > 1 and relative.parts[0] != "hydra":
                groups.setdefault(relative.parent.as_posix(), set()).add(path.stem)
    return groups


def _config_dirs(arguments: Sequence[str]) -> list[Path]:
    words = list(arguments)
    after = [Path(b) for a, b in zip(words, words[1:], strict=False) if a in _FOLDER_FLAGS]
    return after + [
        Path(word.split("=", 1)[1]) for word in words if word.startswith("--config-dir=")
    ]
