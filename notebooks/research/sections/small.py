"""Section 7: the model that ships: its teacher, its files, its speed."""

import json
from pathlib import Path
from typing import Any

import humanseg
from humanseg.errors import HumansegError
from humanseg.metrics.statistics import paired_difference
from research.records import KeptRun, Records
from research.show import Prose, Table, not_measured, say, score

SHIPPED = Path(humanseg.__file__).parent / "inference" / "bundled" / "tiny" / "manifest.json"
"""What the file that ships says of itself."""


def manifest() -> dict[str, Any]:
    """Read what the file that ships says of itself."""
    try:
        return dict(json.loads(SHIPPED.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise HumansegError(
            f"{SHIPPED} is missing or broken: take it from the repository."
        ) from error


def files_table(records: Records) -> Table:
    """Show the files that ship: size, and Dice of the file itself."""
    about = manifest()
    rows = [
        [f"`{name}`", one["precision"], f"{one['bytes'] / 1e6:.2f} MB", score(one["dice"])]
        for name, one in about["files"].items()
    ]
    return Table(["file", "numbers", "size>", "Dice of the file>"], rows)


def shipped_said(records: Records) -> Prose:
    """Say what ships, and how it stands to its targets and its teacher."""
    about = manifest()
    # Not always the recipe's own record: the best of several runs ships.
    run = records.runs.get(about["run"])
    if run is None:
        return not_measured("the tiny model", "humanseg train experiment=tiny")
    recipe = records.config("recipes.yaml")["tiny"]
    name, largest = max(about["files"].items(), key=lambda item: item[1]["bytes"])
    megabytes = largest["bytes"] / 1e6
    size = "within" if megabytes <= 1 else "over"
    low, high = about["scores"]["interval"]
    return say(
        f"What ships is `{about['name']}`, {run.summary['parameters'] / 1e6:.2f} million "
        f"parameters, at a longer side of {about['long_side']} pixels. As it was trained it has a "
        f"Dice of {score(about['scores']['dice'])} ({low:.4f} to {high:.4f}) on "
        f"{about['scores']['photos']} valid photos, "
        f"{score(about['scores']['boundary_dice'])} at the outline; as the file `{name}`, "
        f"{score(largest['dice'])}. The file has {megabytes:.2f} MB, {size} the limit of 1 MB; the "
        f"floor is {recipe['floor']:.3f}, the goal {recipe['goal']:.3f}. "
        f"{_teacher_said(records, run)}"
    )


def _teacher_said(records: Records, run: KeptRun) -> str:
    teachers = records.behind(run, "teacher")
    if not teachers:
        return "Its teacher is not on record."
    teacher = teachers[0]
    gap = paired_difference(run.scores.numbers("dice"), teacher.scores.numbers("dice"))
    more = run.summary.get("teacher", {}).get("unlabelled", 0)
    return (
        f"It learnt from the masks and from a teacher with {score(teacher.dice)} and "
        f"{teacher.summary['parameters'] / 1e6:.2f} million parameters, on the train photos and "
        f"{more} photos without masks; photo by photo, beside its teacher, it is {gap.sentence()}."
    )


def teaching_said(records: Records) -> Prose:
    """Return whether teaching itself was tested."""
    tested = any("teacher" in path.read_text(encoding="utf-8") for path in _sweep_tables(records))
    if tested:
        return say("What the teacher is worth stands among the hypotheses above.")
    return not_measured(
        "what the teacher is worth, by the same training without one",
        "humanseg train experiment=tiny",
    )


def _sweep_tables(records: Records) -> list[Path]:
    return [sweep / "leaderboard.csv" for sweep in records.sweeps()]


def speed_table(records: Records) -> Table | Prose:
    """Show latency beside MediaPipe's models, from one run of the benchmark."""
    path = records.folder / "tiny" / "benchmark.csv"
    if not path.is_file():
        return not_measured(
            "latency beside MediaPipe's models in the same run",
            "python scripts/benchmark_inference.py export --data photos",
        )
    table = records.table("tiny/benchmark.csv")
    columns = (table.numbers(name) for name in ("milliseconds", "bytes", "dice"))
    rows = [
        [name, f"{time:.2f} ms", f"{size / 1e6:.2f} MB", score(dice)]
        for name, time, size, dice in zip(table.text("model"), *columns, strict=True)
    ]
    return Table(["model", "a photo, one thread>", "file>", "Dice>"], rows)


def others_table(records: Records) -> Table:
    """Show ready-made person models on the same photos, as they were measured once."""
    table = records.table("others/models.csv")
    columns = (table.numbers(name) for name in ("dice", "milliseconds"))
    rows = [
        [name, score(dice), f"{time:g} ms"]
        for name, dice, time in zip(table.text("model"), *columns, strict=True)
    ]
    return Table(["model", "Dice>", "a photo, one CPU thread>"], rows)
