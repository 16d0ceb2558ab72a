"""The start and the end of a training, on the terminal and in `summary.json`."""

from collections.abc import Mapping
from shlex import quote
from typing import Any

from omegaconf import OmegaConf

from humanseg.errors import HumansegError
from humanseg.evaluation.evaluate import BestScores
from humanseg.evaluation.source_scores import describe_sources
from humanseg.io.files import write_text
from humanseg.models.checkpoint import read_checkpoint
from humanseg.pages.origin import now
from humanseg.pages.render import duration
from humanseg.runs import RunFolder, read_summary, remove_partial, update_summary
from humanseg.runs.home import next_steps, write_home
from humanseg.runs.origin import shown_path
from humanseg.runs.record import read_history
from humanseg.runs.wandb import offline_logs
from humanseg.system.terminal import console
from humanseg.training.machine.environment import device_name, git_commit, peak_memory_mb, versions
from humanseg.training.machine.ranks import copies_note
from humanseg.training.request import TrainRequest, sweep_record
from humanseg.training.setup import TrainingSetup


def write_start(request: TrainRequest, run: RunFolder, setup: TrainingSetup) -> None:
    """Write config and summary, and print the facts of the run before its first step."""
    remove_partial(run)
    # It belongs to the best checkpoint so far.
    run.onnx.unlink(missing_ok=True)
    write_text(run.config, OmegaConf.to_yaml(request.config))
    hardware, data = setup.hardware, setup.data
    device = device_name(hardware.device)
    if hardware.processes > 1:
        device = f"{hardware.processes} × {device}"
    resumed = read_summary(run.summary).get("resumed") or []
    if setup.epochs_done and request.changed:
        resumed.append({"after_epoch": setup.epochs_done, "changed": request.changed})
    update_summary(
        run.summary,
        status="running",
        failure=None,
        started=now(),
        seed=request.config.seed,
        overrides=request.overrides,
        choices=request.choices,
        **sweep_record(request.config),
        git=git_commit(),
        versions=versions(),
        data=data,
        pixels_sha256=setup.pixels_sha256,
        sources=setup.sources,
        resumed=resumed,
        teacher=setup.distillation,
        device=device,
        parameters=sum(weights.numel() for weights in setup.module.segmenter.parameters()),
    )
    console.print(f"run     {run.path}")
    console.print(
        f"data    {setup.photos.root}: {data['train']} train, {data['valid']} valid, "
        f"{data['test']} test photos",
    )
    if "extra" in data:
        sources = ", ".join(f"{count} {source}" for source, count in data["extra"].items())
        left_out = (
            f"; left out: {n} near-duplicates of held-out photos"
            if (n := data["extra_leaked"])
            else ""
        )
        console.print(f"extra   {sources}{left_out}")
    for note in setup.notes:
        console.print(f"note    {note}")
    if setup.epochs_done and request.changed:
        changes = ", ".join(f"{key} {old} → {new}" for key, (old, new) in request.changed.items())
        console.print(
            f"changed after epoch {setup.epochs_done}: {changes}. The result is not that of a run "
            "that had this from the start"
        )
    if setup.distillation is not None:
        console.print(f"teacher {_teachers(setup.distillation)}")
    console.print(f"device  {device}: {hardware}")
    if (
        request.config.get("sweep") is None
        and hardware.rank.started == 1
        and (note := copies_note())
    ):
        console.print(f"note    {note}")
    if note := setup.photos.loading(hardware.device == "cuda", hardware.processes_here).note:
        console.print(f"loader  {note}")


def _teachers(distillation: Mapping[str, Any]) -> str:
    """Return a line about the teachers, and how many unlabelled photos they label."""
    line = ", ".join(distillation["runs"])
    if "unlabelled" in distillation:
        used, duplicates, unsure = (distillation[key] for key in ("unlabelled", "copies", "unsure"))
        line += (
            f"; and {used} unlabelled photos (left out: {duplicates} duplicates of held-out "
            f"photos, {unsure} with low confidence)"
        )
    return line


def undo_changes(request: TrainRequest, run: RunFolder, done: int) -> None:
    """Restore a resumed run's settings where nothing was left to train with the new ones."""
    if not request.changed or len(read_history(run.history)) > done:
        return
    assert request.idle is not None
    write_text(run.config, OmegaConf.to_yaml(request.idle.config))
    update_summary(
        run.summary,
        resumed=read_summary(run.summary)["resumed"][:-1],
        overrides=request.idle.overrides,
        choices=request.idle.choices,
    )
    console.print("Nothing was left to train, so the settings of the run were not changed.")


def write_result(run: RunFolder, best: BestScores, device: str) -> None:
    """Write the scores of the best checkpoint and what the training took and the run's page."""
    extra = (
        {"dice_by_source": best.by_source, "selection": best.selection} if best.by_source else {}
    )
    history = read_history(run.history)
    summary = update_summary(
        run.summary,
        status="finished",
        threshold=best.threshold,
        **best.means,
        **extra,
        best_epoch=read_checkpoint(run.best)["epoch"] + 1,
        epochs=len(history),
        seconds=round(float(history["seconds"].sum()), 1),
        images_per_second=round(float(history["images_per_second"].mean()), 2),
        loader_wait=round(float(history["loader_wait"].mean()), 4),
        peak_memory_mb=round(peak_memory_mb(device), 1),
    )
    console.print(
        f"\nDice {summary['dice']:.4f} at threshold {summary['threshold']:g}, IoU "
        f"{summary['iou']:.4f}, boundary Dice {summary['boundary_dice'] or 0:.4f}; best epoch "
        f"{summary['best_epoch']} of {summary['epochs']}, {duration(summary['seconds'])}, "
        f"{summary['images_per_second']:.1f} photos/s\n",
    )
    if best.by_source:
        console.print("\n".join([*describe_sources(best.by_source), ""]))
    try:
        write_home(run)
    except HumansegError as error:
        # All requested files exist.
        console.print(f"note    the page of the run could not be written: {error}")
    files = {
        "page": run.index_page,
        "test photos": run.test_page,
        "submission": run.submission,
        "error gallery": run.valid_page,
        "scores": run.scores,
        "curves": run.curves,
        "model": run.onnx,
        "checkpoint": run.best,
        "summary": run.summary,
    }
    for name, path in files.items():
        if path.exists():  # no page where there are no test photos
            console.print(f"{name:<14}{shown_path(path)}")


def print_next_steps(run: RunFolder) -> None:
    """Print the next steps with the run, as commands with its path."""
    steps = next_steps(run)
    logs = [quote(str(shown_path(log.parent))) for log in offline_logs(run)]
    if logs:
        steps.append(("Send wandb's log, which is only here", f"wandb sync {' '.join(logs)}"))
    console.print("\nWhat to do next")
    width = max(len(text) for text, _ in steps) + 2
    for text, command in steps:
        console.print(f"  {text:<{width}}{command}")
