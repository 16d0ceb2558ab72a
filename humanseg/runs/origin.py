"""The origin that the pages of a run show."""

from collections.abc import Mapping
from pathlib import Path
from shlex import join
from typing import Any

from humanseg.config.renames import current_config
from humanseg.pages.origin import Origin, PageLink, readable_date
from humanseg.runs.folder import RunFolder, is_part
from humanseg.runs.record import read_config
from humanseg.runs.summary import read_summary

OVERVIEW = "index.html"
LEADERBOARD = "leaderboard.html"
_SPLITS = ("train", "valid", "test")


def run_origin(run: RunFolder) -> Origin:
    """Return where the pages of a run come from, as its folder has it."""
    summary = read_summary(run.summary)
    config = current_config(read_config(run.config)) if run.config.is_file() else {}
    words = summary.get("overrides") or []
    return Origin(
        run=run_name(run, summary),
        data=describe_data(config, summary),
        date=readable_date(summary.get("started")),
        # humanseg adds the plus signs that Hydra wants by itself.
        command=join(["humanseg", "train", *(str(word).lstrip("+") for word in words)]),
        pages=tuple(run_pages(run, bool((summary.get("data") or {}).get("test", 1)))),
    )


def run_name(run: RunFolder, summary: Mapping[str, Any]) -> str:
    """Return the name of a run; of a job or a stage, behind that of what it is a part of."""
    return f"{run.path.parent.name}/{run.path.name}" if is_part(summary) else run.path.name


def run_pages(run: RunFolder, has_test: bool = True) -> list[PageLink]:
    """List the pages of a run that are there, or are about to be."""
    pages = [PageLink("Overview", OVERVIEW), PageLink("Errors", "valid.html")]
    pages += [PageLink("Test photos", "test.html")] if has_test else []
    whole = run.path.parent / OVERVIEW
    pages += [PageLink("Recipe", f"../{OVERVIEW}")] if whole.is_file() else []
    return [*pages, *find_leaderboard(run)]


def find_leaderboard(run: RunFolder) -> list[PageLink]:
    """Return the nearest leaderboard in a folder above a run, where it lists this run."""
    for level, folder in enumerate([run.path.parent, run.path.parent.parent], 1):
        name = run.path.relative_to(folder).as_posix()
        try:
            table = (folder / "leaderboard.csv").read_text(encoding="utf-8")
        except (OSError, ValueError):
            continue
        if (folder / LEADERBOARD).is_file() and name in table:
            return [PageLink("Leaderboard", "../" * level + LEADERBOARD)]
    return []


def describe_data(config: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    """Return the name of the data folder, and how many photos each split has."""
    node = config.get("data")
    root = Path(str(node["root"])).name if isinstance(node, Mapping) and "root" in node else ""
    data = summary.get("data")
    counts = [f"{data[name]} {name}" for name in _SPLITS if name in data] if data else []
    photos = f"{', '.join(counts)} photos" if counts else ""
    return " · ".join(part for part in (root, photos) if part)


def shown_path(path: Path) -> Path:
    """Return a path as it is typed here: relative to where the command was called, if below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) and path != here else path
