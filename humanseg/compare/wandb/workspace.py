"""The leaderboard as workspaces of wandb: which runs, columns and panels."""

import unicodedata
from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from humanseg.compare.leaderboard import Leaderboard
from humanseg.compare.ranking import Group
from humanseg.compare.terminal_table import describe
from humanseg.compare.wandb.project import Project
from humanseg.runs.record import RunRecord
from humanseg.runs.settings import NAMED_GROUPS
from humanseg.runs.wandb import DICE, EPOCH, PREDICTIONS, TRAIN_LOSS, VALID_LOSS, flat, wandb_id

if TYPE_CHECKING:
    from wandb_workspaces.workspaces import Workspace

SCORE = "dice_at_half"
"""The metric that ranks, as on the page."""
COLUMNS = (SCORE, "dice", "boundary_dice", "parameters", "seconds", "images_per_second")
"""The columns of the run table from a run's summary."""
CURVES = {"Dice, valid": DICE, "Loss, train": TRAIN_LOSS, "Loss, valid": VALID_LOSS}
"""Titles of the learning curves, and the values that they show."""
_MOST_RUNS = 100
_WIDE = 10.0
"""A setting whose values span more than this factor gets a logarithmic axis."""


def lay_out(board: Leaderboard, project: Project) -> "list[Workspace]":
    """Lay out a workspace for each group of runs, which alone may be ranked together.

    Each is named by its folder and its data, so that the same runs later have the same one. Where
    there is but one group, failed and unfinished runs stand beside it.
    """
    rest = board.unranked if len(board.groups) < 2 else ()
    laid = []
    for group in board.groups:
        if known := _ids([*group.runs, *rest]):
            title = f"{board.base.name}, {describe(group)}"
            # Not by its title: another run may have other photos to train on.
            identity = f"{board.base.name}\n{group.key}"
            laid.append(_workspace(project, title, identity, known, _settings(group)))
    if not board.groups and (known := _ids(rest)):
        laid.append(_workspace(project, board.base.name, board.base.name, known, {}))
    return laid


def _ids(runs: Sequence[RunRecord]) -> list[str]:
    return [known for run in runs if (known := wandb_id(run.folder)) is not None]


def _settings(group: Group) -> dict[str, bool]:
    """Return the settings that tell runs apart, as wandb calls them, and which span wide."""
    configs = [flat(run.config) for run in group.runs]
    values = {
        key: [config.get(key) for config in configs]
        for key in dict.fromkeys(key for config in configs for key in config)
    }
    result: dict[str, bool] = {}
    for setting in group.settings:
        path = setting.key.replace(".", "/")
        if not setting.telling:
            continue
        if path in NAMED_GROUPS:
            result[path] = False
            continue
        # A list is one setting, and a key for each of its values in wandb.
        for key in values:
            inside = key == path or key.startswith(f"{path}/")
            if inside and len(set(map(repr, values[key]))) > 1:
                result[key] = _is_wide(values[key])
    return result


def _is_wide(values: Sequence[Any]) -> bool:
    numbers = [value for value in values if isinstance(value, int | float)]
    return len(numbers) == len(values) and 0 < min(numbers) * _WIDE < max(numbers)


def _workspace(
    project: Project, title: str, identity: str, runs: Sequence[str], settings: dict[str, bool]
) -> "Workspace":
    from wandb_workspaces.workspaces import (
        And,
        Metric,
        Ordering,
        RunsetSettings,
        Section,
        SectionLayoutSettings,
        Summary,
        Workspace,
        WorkspaceSettings,
    )

    columns = [
        *(f"summary:{key}" for key in COLUMNS),
        *(f"config:{key}.value" for key in settings),
        "config:seed.value",
    ]
    panels = _panels(settings)
    result = Workspace(
        entity=project.entity,
        project=project.name,
        name=_plain(title),
        sections=[
            Section(
                name=name,
                panels=some,
                is_open=True,
                layout_settings=SectionLayoutSettings(columns=min(len(some), 3), rows=1),
            )
            for name, some in panels.items()
        ],
        settings=WorkspaceSettings(x_axis=EPOCH, max_runs=_MOST_RUNS),
        runset_settings=RunsetSettings(
            filters=And(Metric("ID").isin(list(runs))),
            order=[Ordering(Summary(SCORE), ascending=False)],
            pinned_columns=["run:displayName", *columns],
        ),
    )
    digest = sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()
    result._internal_name = f"nw-{digest[:11]}-v"
    return result


def _panels(settings: dict[str, bool]) -> dict[str, list[Any]]:
    """Make the panels of each section."""
    from wandb_workspaces.reports.v2 import (
        Config,
        LinePlot,
        ParallelCoordinatesPlot,
        ParallelCoordinatesPlotColumn,
        ScatterPlot,
        SummaryMetric,
        WeavePanelSummaryTable,
    )

    score = SummaryMetric(SCORE)
    axes = [
        *(
            ParallelCoordinatesPlotColumn(Config(key), key, log=log)
            for key, log in settings.items()
        ),
        ParallelCoordinatesPlotColumn(score, "Dice"),
    ]
    against = {"parameters": "Dice against parameters", "seconds": "Dice against training time (s)"}
    scatters = [
        ScatterPlot(title=title, x=SummaryMetric(key), y=score, log_x=True)
        for key, title in against.items()
    ]
    # Without a setting that differs, there is nothing to draw lines from.
    paths = [ParallelCoordinatesPlot(columns=axes, title="Settings, and the Dice they lead to")]
    curves = [
        LinePlot(title=title, x=EPOCH, y=[key], max_runs_to_show=_MOST_RUNS)
        for title, key in CURVES.items()
    ]
    return {
        "Dice": [*(paths if settings else []), *scatters],
        "Learning curves": curves,
        "Predictions, the worst photos first": [WeavePanelSummaryTable(table_name=PREDICTIONS)],
    }


def _plain(title: str) -> str:
    """Leave out the symbols that wandb refuses in a title."""
    return "".join(
        character
        for character in title
        if unicodedata.category(character) not in ("So", "Sk", "Sm", "Sc", "Cs")
    )
