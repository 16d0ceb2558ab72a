"""Train, evaluate and export, as the commands do; what is heavy is imported inside."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from os import PathLike
    from pathlib import Path

    from humanseg.data.splits import SplitName
    from humanseg.evaluation.evaluate import Evaluation
    from humanseg.training.result import TrainResult

    AnyPath = str | PathLike[str]
    Progress = Callable[[int, int], None]


def train(*overrides: str, data: "AnyPath | None" = None, **settings: Any) -> "TrainResult | None":
    """Train a run, as `humanseg train` does.

    Parameters
    ----------
    *overrides
        Words as on a command line: ``"optimizer.lr=1e-3"``, ``"resume=runs/NAME"``; with ``"-m"``,
        a sweep; with ``"recipe=NAME"``, all stages of a recipe.
    data
        The folder that holds the five folders of photos and masks; None: that of the overrides.
    **settings
        Further overrides: groups, as in ``model="unet"``, and settings, as in ``seed=1``. Write
        the settings of a group as ``**{"trainer.max_epochs": 5}``.

    Returns
    -------
    TrainResult or None
        The run's folder and scores; of a recipe, those of its last stage. None after a sweep, or
        a flag that trains nothing.

    Raises
    ------
    HumansegError
        Something must be changed; or some jobs of a sweep have failed.
    """
    from humanseg.config.command_line.error_text import explain
    from humanseg.config.command_line.overrides import to_override
    from humanseg.recipes.plugin import announce_recipes, recipe_words, trained_stage
    from humanseg.sweeps.plugin import announce_sweeper
    from humanseg.training.hydra_app import run_app
    from humanseg.training.result import read_result

    announce_sweeper()
    announce_recipes()
    words = list(overrides)
    if data is not None:
        words.append(f"--data={data}")
    words += [to_override(key, value) for key, value in settings.items()]
    try:
        folder = run_app(recipe_words(words)) or trained_stage()
    except Exception as error:
        explained = explain(error)
        if explained is None or explained is error:
            raise
        raise explained from error
    return None if folder is None else read_result(folder)


def evaluate(
    model: "AnyPath",
    data: "AnyPath | None" = None,
    split: "SplitName" = "valid",
    *,
    tta: bool = False,
    threshold: float | None = None,
    person_values: "Sequence[int]" = (),
    invert_masks: bool = False,
    out: "AnyPath | None" = None,
    on_progress: "Progress | None" = None,
) -> "Evaluation":
    """Score a run or an exported model, as `humanseg evaluate` does.

    Parameters
    ----------
    model
        A run's folder (its best checkpoint), a checkpoint, an export's folder, an ONNX file or a
        bundled model's name.
    data
        The data folder; None: the run's own. An exported model has none of its own.
    split
        ``"train"``, ``"valid"`` or ``"test"``.
    tta
        Whether to average with the mirrored photo.
    threshold
        The probability in (0, 1) above which a pixel is person; None: the model's own.
    person_values, invert_masks
        The masks' values that are the person, and whether of two values the darker one is, as
        `data.person_values` and `data.invert_masks` of a training. With neither, masks are read
        as the run does, and for an exported model the brighter of two values is the person.
    out
        A new folder for the scores, the submission and the pages.
    on_progress
        Called with the number of photos that are done, and the number of all.

    Returns
    -------
    Evaluation
        `scores`: mean `dice`, `iou`, `boundary_dice` and `dice_at_half`, in [0, 1]; `per_photo`: a
        frame with a row for each photo; `left_out`: what could not be scored, and why.

    Raises
    ------
    HumansegError
        The model or the data cannot be used, or `out` holds something else.
    """
    from humanseg.api.options import as_path, require_in_range
    from humanseg.data.layout.mask_rule import AS_DRAWN, MaskRule
    from humanseg.evaluation.evaluated_model import find_evaluated_model

    require_in_range(threshold=threshold)
    named = as_path("model", model)
    root = None if data is None else as_path("data", data)
    into = None if out is None else as_path("out", out)
    rule = MaskRule(tuple(person_values), invert_masks)
    find_evaluated_model(named, root, split, into)
    # Only now, when all is there: it loads torch.
    from humanseg.evaluation.evaluate import evaluate as evaluate_model

    return evaluate_model(
        named,
        root,
        split,
        tta=tta,
        threshold=threshold,
        rule=None if rule == AS_DRAWN else rule,
        out=into,
        on_progress=on_progress,
    )


def export(
    run: "AnyPath" = "runs",
    out: "AnyPath" = "export",
    formats: "Sequence[str] | None" = None,
    *,
    ensemble: "Mapping[str, float] | Mapping[Path, float] | None" = None,
    data: "AnyPath | None" = None,
    max_drop: float = 0.003,
    overwrite: bool = False,
    benchmark: bool = False,
    quick: bool = False,
) -> "Path":
    """Write the best model of a run as files, each verified, as `humanseg export` does.

    Parameters
    ----------
    run
        A run's folder, a checkpoint, or a folder whose best finished run is taken. A model that is
        exported already, such as a bundled one by its name: its files are copied.
    out
        The folder to write; it appears whole or not at all.
    formats
        One or some of ``"onnx"``, ``"int8"``, ``"fp16"`` and ``"pt2"``; None: all of these but
        fp16.
    ensemble
        Further runs, whose logits are averaged with those of the run, and the weight in (0, 1) of
        each; the run's own is the rest to 1. The files hold all these models. None: the ensemble of
        the recipe, where `run` is the folder of one.
    data
        The folder of the data; None: that of the run.
    max_drop
        Mean Dice, in [0, 1), that int8 and fp16 may lose on the valid photos.
    overwrite
        Whether an earlier export at `out` may be replaced.
    benchmark
        Whether to measure the speed of all files with many calls.
    quick
        Whether to write the fp32 ONNX file only, compared with the checkpoint on a few photos
        instead of all, and not timed.

    Returns
    -------
    pathlib.Path
        `out`, which `load`, `predict` and `evaluate` take as a model.

    Raises
    ------
    HumansegError
        Something must be changed, or a file predicts something else than the checkpoint; nothing
        was written.
    """
    from dataclasses import replace

    from humanseg.api.options import as_path, require_in_range
    from humanseg.errors import HumansegError
    from humanseg.evaluation.evaluated_model import require_run
    from humanseg.exporting.copy_export import copy_export, find_exported
    from humanseg.exporting.folder import DEFAULT, read_formats, require_export_folder
    from humanseg.exporting.select_run import require_ensemble, select_run

    require_in_range(max_drop=max_drop)
    named = None if formats is None else read_formats(formats)
    source, folder = as_path("run", run), as_path("out", out)
    root = None if data is None else as_path("data", data)
    others = {as_path("ensemble", path): weight for path, weight in (ensemble or {}).items()}
    require_ensemble(others)
    if exported := find_exported(source):
        if others:
            raise HumansegError(
                f"{source} is exported already, and an ensemble is made of runs: name the run that "
                "it came from.",
                code="export.ensemble",
            )
        copy_export(exported, folder, named, overwrite)
        return folder
    if quick and (named is not None or benchmark or others):
        raise HumansegError(
            "A quick export is model.onnx of one run alone, and is not timed: leave --quick out "
            "for other formats, an ensemble or the benchmark, or leave them out.",
            code="export.quick",
        )
    chosen = read_formats(DEFAULT) if named is None else named
    require_export_folder(folder, overwrite)
    selected = select_run(source, root)
    if quick and selected.ensemble:
        alone = "without the others of its ensemble: leave out --quick for these"
        selected = replace(selected, reasons=[*selected.reasons, alone], ensemble={})
    elif others:
        selected = replace(selected, ensemble=others)
    require_run(selected.run.path, root, selected.checkpoint)
    # Only now, when nothing is in the way: it loads torch.
    from humanseg.exporting.run_export import export as write_export

    write_export(
        selected,
        folder,
        chosen,
        data=root,
        max_drop=max_drop,
        overwrite=overwrite,
        benchmark=benchmark,
        quick=quick,
    )
    return folder
