"""`index.html` of a run: written at its end, and again when its neighbours have changed."""

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from shlex import join, quote
from statistics import median
from typing import Any

from humanseg.config.find import conf_folder
from humanseg.errors import HumansegError
from humanseg.io.images import image_size
from humanseg.io.names import natural_key
from humanseg.metrics.statistics import bootstrap_interval, mean_of_sources
from humanseg.pages.charts import draw_chart
from humanseg.pages.folder import picture_name
from humanseg.pages.gallery import ERROR_LEGEND, anchor
from humanseg.pages.origin import Origin
from humanseg.pages.render import duration, readable, score, url, write_page
from humanseg.runs.differences import non_default_settings
from humanseg.runs.folder import RECIPE_RECORD, RunFolder, is_part
from humanseg.runs.origin import OVERVIEW, run_name, run_origin, run_pages, shown_path
from humanseg.runs.record import RunRecord, points, read_history, read_run
from humanseg.runs.settings import as_text
from humanseg.runs.summary import read_summary

_STRIP = (("Worst", 0.0, 2), ("Typical", 0.5, 2), ("Best", 1.0, 2))
"""The shown photos: their position from worst to best, and the number of each."""
_CHARTS = {
    "Dice on the valid photos": [
        ("Dice", "valid", "val_dice"),
        ("boundary", "boundary", "val_boundary_dice"),
    ],
    "Loss": [("valid", "valid", "val_loss"), ("train", "train", "train_loss")],
}
"""The charts by their titles: name, class in the style sheet and column of each curve."""


def write_home(run: RunFolder) -> None:
    """Write `index.html` of a finished run from the files in its folder."""
    record = read_run(run, readable(run.path.name))
    if not record.finished:
        raise HumansegError(
            f"{run.path} has not finished: it has no page yet.", code="runs.no_home"
        )
    _write(run, _home(record, run), run_origin(run))


def write_recipe_home(folder: Path, last: RunFolder, stages: Sequence[RunFolder]) -> Path:
    """Write `index.html` of a recipe from its last stage, whose files it has, and all stages."""
    results, summaries = RunFolder(folder), [read_summary(stage.summary) for stage in stages]
    record = read_run(last, readable(last.path.name))
    runs = [_relative(results, stage) for stage in stages if stage.index_page.is_file()]
    home, name = _home(record, results), readable(folder.name)
    seconds = sum(summary.get("seconds") or 0 for summary in summaries)
    epochs = sum(summary.get("epochs") or 0 for summary in summaries)
    whole = (f"Training, {len(stages)} stages", duration(seconds))
    # The best epoch is one of the last stage: its page has it.
    facts = [whole if fact[0] == "Training" else fact for fact in home["facts"]]
    home |= {
        "name": name,
        "sentence": _sentence(record, f"{epochs:g} epochs in {len(stages)} stages"),
        "facts": [fact for fact in facts if fact[0] != "Best epoch"],
        "last_stage": readable(last.path.name),
        "relatives": [("Stages", runs)],
    }
    command = read_summary(folder / RECIPE_RECORD).get("command", "")
    pages = tuple(run_pages(results, results.test_page.is_file()))
    origin = replace(run_origin(last), run=name, command=str(command), pages=pages)
    _write(results, home, origin)
    refresh_homes(stages, [results.index_page, *(stage.index_page for stage in stages)])
    return results.index_page


def refresh_homes(runs: Iterable[RunFolder], pages: Iterable[Path]) -> None:
    """Write the pages of runs again that do not lead to all of `pages` yet.

    A run without a page gets none. One that cannot be written stays as it is: it is no part of
    what was requested.
    """
    there = [page for page in pages if page.is_file()]
    for run in runs:
        with suppress(HumansegError, OSError, ValueError):
            html = run.index_page.read_text(encoding="utf-8")
            links = [_link(run, page) for page in there if page != run.index_page]
            if not all(f'"{url(link)}"' in html for link in links):
                write_home(run)


def next_steps(run: RunFolder) -> list[tuple[str, str]]:
    """Return what a person may do with a finished run, and the commands, which can be copied."""
    path, runs = (quote(str(shown_path(folder))) for folder in (run.path, run.path.parent))
    usable = [
        ("Find people in your photos", f"humanseg predict PHOTOS --model {path}"),
        ("Try it in the browser", f"humanseg demo --model {path}"),
    ]
    return [
        *(usable if run.onnx.is_file() else []),
        ("Rank it with other runs", f"humanseg compare {runs}"),
        ("Export it, each file verified", export_command(run)),
    ]


def export_command(run: RunFolder) -> str:
    """Return the command that exports a run into a folder of its own."""
    out = Path("export") / run.path.name
    return join(["humanseg", "export", str(shown_path(run.path)), "--out", str(out)])


def _write(run: RunFolder, home: Mapping[str, Any], origin: Origin) -> None:
    """Write `index.html` of a run or of a recipe, whole or not at all."""
    here = origin.at(OVERVIEW)
    write_page(run.index_page, "home/home.html", home=home, origin=here, legend=ERROR_LEGEND)


def _home(record: RunRecord, results: RunFolder) -> dict[str, Any]:
    """Return what the page of a run shows; `results` has the files that it leads to."""
    run, summary, config = record.folder, record.summary, record.config
    examples = _examples(record, results)
    return {
        "name": readable(run_name(run, summary)),
        "sentence": _sentence(record),
        "interval": bootstrap_interval(record.dice),
        "photos": len(record.ids),
        "facts": _facts(record),
        "charts": _charts(record),
        "ratio": _ratio([results.path / example["photo"] for example in examples]),
        "examples": examples,
        "changes": [
            (setting.key, _written(setting.value), _written(setting.default))
            for setting in non_default_settings(config, record.choices, conf_folder())
        ],
        "files": _files(results),
        "steps": next_steps(run),
        "relatives": _relatives(run, config, summary),
        "last_stage": "",
    }


def _written(value: Any) -> str:
    return "null" if value is None else as_text(value)


def _sentence(record: RunRecord, length: str = "") -> str:
    parts = [record.choices[key] for key in ("model", "backbone") if key in record.choices]
    model = " with the backbone ".join(parts) or "A run"
    epochs = record.number("epochs")
    data = record.summary.get("data")
    length = length or (f"{epochs:g} epoch{'s' * (epochs != 1)}" if epochs else "")
    trained = f", trained for {length}" if length else ""
    if isinstance(data, Mapping) and data.get("train"):
        extra = data.get("extra")
        others = (
            f" and {sum(extra.values())} of further sources" if isinstance(extra, Mapping) else ""
        )
        trained += f" on {data['train']} photos{others}" if trained else ""
    return f"{model}{trained}."


def _facts(record: RunRecord) -> list[tuple[str, str]]:
    def number(key: str, write: Any) -> str | None:
        value = record.number(key)
        return None if value is None else str(write(value))

    threshold = record.threshold
    others = mean_of_sources(record.summary.get("dice_by_source") or {})
    facts = [
        ("Dice, mean of sources", None if others is None else score(others)),
        ("Dice at 0.5", number("dice_at_half", score) if threshold != 0.5 else None),
        ("Threshold", f"{threshold:g}" if threshold != 0.5 else None),
        ("IoU", number("iou", score)),
        ("Boundary Dice", number("boundary_dice", score)),
        ("Best epoch", number("best_epoch", "{:g}".format)),
        ("Training", number("seconds", duration)),
        ("Parameters", number("parameters", lambda count: f"{count / 1e6:.2f} M")),
        ("Seed", number("seed", "{:g}".format)),
    ]
    return [(label, value) for label, value in facts if value is not None]


def _charts(record: RunRecord) -> list[dict[str, Any]]:
    try:
        history = read_history(record.folder.history)
    except HumansegError:
        return []
    best = record.number("best_epoch")
    charts = []
    for title, curves in _CHARTS.items():
        lines = [(name, style, points(history, key)) for name, style, key in curves]
        charts.append(draw_chart(title, lines, best))
    return [chart for chart in charts if chart is not None]


def _examples(record: RunRecord, results: RunFolder) -> list[dict[str, Any]]:
    """Choose a few photos whose pictures are in the error gallery."""
    folder = results.valid_page.with_suffix("")
    ordered = record.dice.sort_values(kind="stable")
    chosen: dict[str, str] = {}
    for kind, share, count in _STRIP:
        start = round(share * max(len(ordered) - count, 0))
        for id in ordered.index[start : start + count]:
            chosen.setdefault(id, kind)
    files = set(os.listdir(folder)) if folder.is_dir() else set()  # in these very capitals
    examples = []
    for id, kind in chosen.items():
        names = [picture_name(id, ending) for ending in ("_img.jpg", "_errors.png")]
        if files.issuperset(names):
            photo, errors = (f"{folder.name}/{name}" for name in names)
            example = {"kind": kind, "id": id, "anchor": anchor(id), "dice": float(ordered[id])}
            examples.append({**example, "photo": photo, "errors": errors})
    return examples


def _ratio(photos: Sequence[Path]) -> float:
    """Return the middle one of the photos' shapes, width over height."""
    try:
        sizes = [image_size(photo) for photo in photos]
    except HumansegError:
        return 1.0
    return round(median(width / height for height, width in sizes), 4) if sizes else 1.0


def _files(run: RunFolder) -> list[tuple[str, str, int]]:
    texts = {
        run.submission: "The submission: masks of the valid photos",
        run.onnx: "The model, for other programs",
        run.path / "export" / "model.onnx": "The exported model, for other programs",
        run.path / "export" / "model.int8.onnx": "The same in 8 bits: smaller",
        run.path / "export" / "README.md": "The card of the exported model",
        run.best: "The best checkpoint",
        run.scores: "Scores of each valid photo",
        run.history: "What each epoch did",
        run.curves: "The curves as a picture",
        run.config: "All settings",
        run.summary: "What came out, for programs",
        run.path / RECIPE_RECORD: "What came out, stage by stage, for programs",
    }
    return [
        (text, path.relative_to(run.path).as_posix(), path.stat().st_size)
        for path, text in texts.items()
        if path.is_file()
    ]


def _relatives(
    run: RunFolder, config: Mapping[str, Any], summary: Mapping[str, Any]
) -> list[tuple[str, list[dict[str, str]]]]:
    """List the runs that this one was made from, and the jobs or stages beside it."""
    groups = []
    for heading, node in (
        ("Starts from the weights of", config.get("init_from")),
        ("Learns from", (config.get("distillation") or {}).get("teachers")),
    ):
        paths = [node] if isinstance(node, str) else node or []
        # A name alone is that of a bundled model.
        folders = [Path(str(path)) for path in paths if os.path.isabs(str(path))]
        others = [other for path in folders if (other := _run_of(run, path)) is not None]
        groups.append((heading, others))
    if is_part(summary):
        beside = [RunFolder(path.parent) for path in run.path.parent.glob(f"*/{OVERVIEW}")]
        stages = read_summary(run.path.parent / RECIPE_RECORD).get("stages") or []
        order = {stage["name"]: index for index, stage in enumerate(stages)}
        beside.sort(key=lambda other: (order.get(other.path.name, 0), natural_key(other.path.name)))
        word = "Jobs" if "sweep" in summary else "Stages"
        groups.append((f"{word} beside it", [other for other in beside if other.path != run.path]))
    return [
        (heading, [_relative(run, other) for other in dict.fromkeys(runs)])
        for heading, runs in groups
        if runs
    ]


def _run_of(run: RunFolder, path: Path) -> RunFolder | None:
    """Find the run that a path of a config leads to, where it has a page; maybe both were moved."""
    candidates = [path, path.parent, path.parent.parent]
    beside = [run.path.parent / candidate.name for candidate in candidates]
    folder = next(
        (folder for folder in [*candidates, *beside] if (folder / OVERVIEW).is_file()), None
    )
    return None if folder is None or folder == run.path else RunFolder(folder)


def _relative(run: RunFolder, other: RunFolder) -> dict[str, str]:
    summary: Mapping[str, Any] = {}
    with suppress(HumansegError):
        summary = read_summary(other.summary)
    dice, epochs, seconds = (summary.get(key) for key in ("dice_at_half", "epochs", "seconds"))
    shown = f"Dice {score(dice)}" if isinstance(dice, float) else ""
    length = ""
    if isinstance(epochs, int) and isinstance(seconds, int | float):
        length = f"{epochs} epoch{'s' * (epochs != 1)}, {duration(seconds)}"
    name, path = readable(other.path.name), _link(run, other.index_page)
    return {"name": name, "path": path, "score": shown, "length": length}


def _link(run: RunFolder, page: Path) -> str:
    """Return the path of a page from the folder of a run."""
    return Path(os.path.relpath(page, run.path)).as_posix()
