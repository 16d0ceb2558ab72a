"""`leaderboard.html` and `leaderboard_files/`: the leaderboard as a page that opens from disk.

A page that is opened from disk may load scripts, but not data, so the data are scripts:

- `data.js` has the table, and is loaded with the page;
- `photos/0.js` has the names, sizes and true masks of a set of valid photos, whose files are in
  `photos/0/` once for all runs;
- `runs/0.js` has the masks and the scores per photo of a run;
- `plotly.min.js` draws.

All but the first are loaded when they are requested, so hundreds of runs open as fast as one.
"""

import json
import math
import shutil
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from typing import Any

from humanseg.compare.effects import main_effects
from humanseg.compare.leaderboard import Leaderboard
from humanseg.compare.page_photos import PhotoFiles, link, write_photos
from humanseg.compare.ranking import COLUMNS, Group
from humanseg.compare.terminal_table import REPEATED, conclusion, describe
from humanseg.io.files import explain_write_errors
from humanseg.pages.folder import PageFolder
from humanseg.pages.origin import Origin, now, readable_date
from humanseg.pages.pictures import ADDED, MISSED, css_colour
from humanseg.pages.render import readable, write_page
from humanseg.runs.home import export_command
from humanseg.runs.record import RunRecord, read_masks
from humanseg.runs.settings import as_text

NAME, FILES = "leaderboard", "leaderboard_files"


def plotly_script() -> Path:
    """Find the script that draws the plots, in the installed package; nothing of it is imported."""
    found = find_spec("plotly")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("No module named 'plotly'", name="plotly")
    return Path(found.origin).with_name("package_data") / "plotly.min.js"


def write_leaderboard(
    folder: Path,
    board: Leaderboard,
    find_photos: Callable[[Group], Mapping[str, PhotoFiles] | str],
    on_run: Callable[[int, int], None] = lambda done, total: None,
    command: str = "",
) -> Path:
    """Write the page and its files, all or nothing, and return the page.

    `find_photos` returns the files of each valid photo of a group, or why there are none, in a
    sentence.
    """
    with explain_write_errors(folder), closing(PageFolder(folder, NAME, FILES)) as pages:
        pages.start()
        shutil.copyfile(plotly_script(), pages.path("plotly.min.js"))
        for number, group in enumerate(board.groups):
            photos = write_photos(pages, f"photos/{number}", group, find_photos(group))
            _write_script(pages, f"photos/{number}.js", f"humanseg.photos[{number}]", photos)
        runs = [run for group in board.groups for run in group.runs]
        for number, run in enumerate(runs):
            _write_script(pages, f"runs/{number}.js", f"humanseg.runs[{number}]", _per_photo(run))
            on_run(number + 1, len(runs))
        _write_script(pages, "data.js", "humanseg.leaderboard", page_data(board, folder))
        return pages.finish(
            partial(
                write_page,
                template="leaderboard/leaderboard.html",
                facts=_facts(board),
                origin=Origin(
                    data=f"Runs in {readable(board.base.name)}",
                    date=readable_date(now()),
                    command=command,
                ),
                files=FILES,
                missed=css_colour(MISSED),
                added=css_colour(ADDED),
            )
        )


def page_data(board: Leaderboard, folder: Path) -> dict[str, Any]:
    """Return what `data.js` holds: text, numbers or null; links to runs start at `folder`."""
    firsts = accumulate((len(group.runs) for group in board.groups), initial=0)
    return {
        "groups": [
            _group(group, first) | {"photos": number}
            for number, (group, first) in enumerate(zip(board.groups, firsts, strict=False))
        ],
        "runs": [
            _run(run, list(interval), folder)
            for group in board.groups
            for run, *interval in zip(
                group.runs, group.table["low"], group.table["high"], strict=True
            )
        ],
        "unranked": [_unranked(run) for run in board.unranked],
        "broken": [list(pair) for pair in board.broken.items()],
        "foreign": [list(pair) for pair in board.foreign.items()],
    }


def _group(group: Group, first: int) -> dict[str, Any]:
    """Return what the page knows of a group whose runs are numbered from `first` on."""
    effects = main_effects(group)
    return {
        "name": describe(group),
        "conclusion": conclusion(group),
        "repeated": REPEATED if group.entries["repeats"].any() else "",
        "ids": group.ids,
        "settings": [
            {
                "key": setting.key,
                "levels": [as_text(level) for level in setting.levels],
                "numbers": list(setting.levels) if setting.numeric else None,
                "telling": setting.telling,
            }
            for setting in group.settings
        ],
        "entries": _entries(group, first),
        "effects": [
            {
                "key": effect.key,
                "levels": [
                    [level.label, level.runs, *map(_number, (level.effect, level.low, level.high))]
                    for level in effect.levels
                ],
            }
            for effect in effects.settings
        ],
        "confounded": effects.confounded,
        "left_out": effects.left_out,
        "balanced": effects.balanced,
    }


def _entries(group: Group, first: int) -> list[dict[str, Any]]:
    levels = [[repr(level) for level in setting.levels] for setting in group.settings]
    rows = []
    for number, row in enumerate(group.entries.to_dict("records")):
        runs = group.table[group.table["entry"] == number]
        values = group.values.loc[number]
        rows.append(
            {
                "label": row["label"],
                "runs": [first + index for index in runs.index],
                "weights": list(map(_number, runs["weight"])),
                "repeats": row["repeats"],
                # The place of each value among the levels of its setting.
                "values": [
                    names.index(repr(value)) for names, value in zip(levels, values, strict=True)
                ],
                "dice": _number(row["dice_at_half"]),
                "spread": _number(row["spread"]),
                "interval": [_number(row["low"]), _number(row["high"])],
                "behind": [_number(row["behind"]), row["worse"]],
                "own_threshold": row["own_threshold"],
                **{key: _number(row[key]) for key in COLUMNS},
            }
        )
    return rows


def _run(run: RunRecord, interval: list[float], folder: Path) -> dict[str, Any]:
    return {
        "name": run.name,
        "seed": run.summary.get("seed"),
        "dice": _number(run.dice_at_half),
        "interval": list(map(_number, interval)),
        "threshold": run.threshold,
        "best_epoch": run.number("best_epoch"),
        "curve": [[round(epoch), _number(dice)] for epoch, dice in run.curve],
        "index": link(folder, run.folder.index_page),
        "export": export_command(run.folder),
        "gallery": link(folder, run.folder.valid_page),
        "test": link(folder, run.folder.test_page),
        **{key: _number(run.number(key)) for key in COLUMNS},
    }


def _unranked(run: RunRecord) -> dict[str, Any]:
    epochs = len(run.curve)
    best = max((dice for _, dice in run.curve), default=None)
    reached = {"epochs": epochs, "dice": _number(best)}
    return {"name": run.name, "status": run.status, "failure": run.failure} | reached


def _per_photo(run: RunRecord) -> dict[str, Any]:
    masks = read_masks(run)
    return {
        "dice": list(map(_number, run.dice)),
        "masks": [] if masks is None else [masks[id] for id in run.ids],
    }


def _facts(board: Leaderboard) -> list[tuple[str, str]]:
    finished = sum(len(group.runs) for group in board.groups)
    facts = [("Finished runs", str(finished))]
    if len(board.groups) == 1:
        facts.append(("Valid photos", str(len(board.groups[0].ids))))
    elif board.groups:
        facts.append(("Sets of valid photos", str(len(board.groups))))
    left_out = len(board.unranked) + len(board.broken)
    return [*facts, ("Not ranked", str(left_out))] if left_out else facts


def _number(value: float | None) -> float | None:
    """Round to what a score can hold; what is no number is null."""
    return None if value is None or not math.isfinite(value) else round(value, 9)


def _write_script(pages: PageFolder, name: str, target: str, value: Any) -> None:
    # Files of a folder that appears as a whole need no care of their own.
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    pages.path(name).write_text(f"{target} = {text};\n", encoding="utf-8")
