"""What of a run is logged, in the forms that wandb takes."""

from collections.abc import Sequence
from typing import Any

from humanseg.runs import RunFolder
from humanseg.training.callbacks.prediction_table import Sample

CLASSES = {0: "background", 1: "person"}


def files_of(run: RunFolder, identity: str) -> Any:
    """Gather a run's files as a wandb artifact: all but `last.ckpt`, logs and what is wandb's."""
    import wandb

    artifact = wandb.Artifact(f"run-{identity}", type="run")
    kept = [run.config, run.summary, run.history, run.scores, run.submission, run.curves, run.best]
    pages = [run.test_page, run.valid_page]
    pictures = [path for page in pages for path in sorted(page.with_suffix("").rglob("*"))]
    for path in [*kept, *pages, *pictures]:
        if path.is_file():
            name = path.relative_to(run.path).as_posix()
            artifact.add_file(str(path), name=name, policy="immutable", skip_cache=True)
    return artifact


def table_of(samples: Sequence[Sample]) -> Any:
    """Lay samples out as a wandb table: both masks over each photo, and its Dice."""
    import wandb

    rows: list[Any] = []
    for one in samples:
        # JSON has no place for the bytes of a file name that is not Unicode.
        identity = one.id.encode("utf-8", "replace").decode()
        masks = {
            name: {"mask_data": mask, "class_labels": CLASSES}
            for name, mask in (("prediction", one.prediction), ("truth", one.truth))
        }
        rows.append([identity, one.kind, one.dice, wandb.Image(one.photo, masks=masks)])
    return wandb.Table(columns=["id", "kind", "dice", "photo"], data=rows)
