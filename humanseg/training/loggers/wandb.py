"""The wandb logger: offline by default, with all its files in the run's folder."""

import os
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import Any, Literal

from lightning_fabric.loggers.logger import rank_zero_experiment
from pytorch_lightning.loggers.logger import Logger
from pytorch_lightning.utilities import rank_zero_only

from humanseg.errors import HumansegError
from humanseg.evaluation.prediction_table import ExamplePrediction
from humanseg.runs import RunFolder, read_summary
from humanseg.runs.wandb import DICE, PREDICTIONS, STEP, SUMMARY, flat, wandb_id, wandb_logs
from humanseg.system.variables import environment_with

CLASSES = {0: "background", 1: "person"}
Mode = Literal["offline", "online", "disabled", "run", "dryrun"]
UPLOAD = 900.0
"""Seconds that a run waits at its end while wandb uploads; the rest is for `wandb sync`."""
_NEW_WORDS: Mapping[str, Mode] = {"run": "online", "dryrun": "offline"}


class WandbRun(Logger):
    """A run in wandb, all of its files in `wandb/` of the run's folder.

    Offline it needs no account and no network; `wandb sync RUN/wandb/offline-run-*` uploads it
    later. A resumed run has the wandb id that it had before, so that both parts are one run
    there. A run that an agent of a wandb sweep has started is the one that wandb has planned, in
    the sweep's project. wandb is imported when the run starts. A training does not fail because
    its log does: when wandb stops working halfway, that is said once and the training continues.

    Parameters
    ----------
    save_dir
        The run's folder.
    mode
        `online` needs an API key, as `wandb login` or WANDB_API_KEY give it; with `disabled` a run
        opens none of these. `run` and `dryrun` are old words for `online` and `offline`.
    project, entity, group, tags
        Where wandb shows the run. No entity: that of the key. Those of WANDB_TAGS come on top.
    run_name
        What wandb calls the run; None: the folder's name.
    """

    def __init__(
        self,
        save_dir: str,
        mode: Mode = "offline",
        project: str = "humanseg",
        entity: str | None = None,
        group: str | None = None,
        tags: list[str] | None = None,
        run_name: str | None = None,
    ) -> None:
        super().__init__()
        self._folder = Path(save_dir)
        self.mode: Mode = _NEW_WORDS.get(mode, mode)
        # A variable that is set to nothing is none.
        self._project, self._entity, self._group = project or "humanseg", entity or None, group
        planned = None
        if os.environ.get("WANDB_SWEEP_ID"):
            self._project = os.environ.get("WANDB_PROJECT") or self._project
            self._entity = os.environ.get("WANDB_ENTITY") or self._entity
            planned = os.environ.get("WANDB_RUN_ID")
        added = [tag.strip() for tag in os.environ.get("WANDB_TAGS", "").split(",")]
        self._tags = tuple(dict.fromkeys(tag for tag in [*(tags or ()), *added] if tag))
        self._name = run_name or self._folder.name
        self._id = wandb_id(RunFolder(self._folder)) or planned or secrets.token_hex(4)
        self._run: Any = None
        self._lost = False

    @property
    def name(self) -> str:
        """The project."""
        return self._project

    @property
    def version(self) -> str:
        """The run's id in wandb."""
        return self._id

    @property
    def save_dir(self) -> str:
        """The run's folder."""
        return str(self._folder)

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """The object that wandb gives for a run; started when first asked for."""
        if self._run is None:
            with self._inside():
                try:
                    self._run = self._started()
                except Exception as error:
                    raise cannot_start(error) from error
        return self._run

    def _started(self) -> Any:
        import wandb

        settings = wandb.Settings(
            mode=self.mode,
            root_dir=str(self._folder),
            run_id=self._id,
            run_name=self._name,
            run_tags=self._tags,
            resume="allow" if self.mode == "online" else None,
            finish_timeout=UPLOAD if self.mode == "online" else 0.0,
            # Neither joins nor ends a run that somebody else has open in this process.
            reinit="create_new",
            console="off",
            silent=True,
            # Links would break when the run's folder is moved.
            symlink=False,
            project=self._project,
            entity=self._entity,
            run_group=self._group,
        )
        run = wandb.init(settings=settings)
        run.define_metric(STEP)
        run.define_metric("*", step_metric=STEP)
        run.define_metric(DICE, step_metric=STEP, summary="max")
        if self.mode == "online":
            print(f"wandb   {run.url}")
        return run

    @contextmanager
    def _inside(self) -> Iterator[None]:
        """Keep what wandb would put below the home folder in the run's folder."""
        home = self._folder / "wandb"
        variables = {"WANDB_DATA_DIR": str(home / "data"), "WANDB_CACHE_DIR": str(home / "cache")}
        if self.mode == "offline":
            variables["WANDB_ERROR_REPORTING"] = "false"
        try:
            Path.home()
        except RuntimeError:
            # As of a container's user: wandb looks there for settings and more, and fails.
            variables["HOME"] = str(home)
        with environment_with(variables):
            yield

    @rank_zero_only
    def _act(self, action: Callable[[Any], object]) -> None:
        if self._lost:
            return
        run = self.experiment
        try:
            with self._inside():
                action(run)
        except Exception as error:
            self._lost = True
            print(f"wandb stopped logging, the rest continues without it: {error}", file=sys.stderr)

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Log a config, nested or flat, as one flat level."""
        self._act(lambda run: run.config.update(flat(params), allow_val_change=True))

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log scalars of an optimisation step."""
        row = dict(metrics) if step is None else {**metrics, STEP: step}
        self._act(lambda run: run.log(row))

    def log_samples(self, samples: Sequence[ExamplePrediction]) -> None:
        """Log the table `predictions`: photos with both masks over them and their Dice."""
        self._act(lambda run: run.log({PREDICTIONS: table_of(samples)}))

    def finalize(self, status: str) -> None:
        """Do nothing: Lightning calls this after `fit`, when the files are still to come."""

    @rank_zero_only
    def close(self, run: RunFolder, failed: bool) -> None:
        """Log what came out, and end the run in wandb."""
        if self._run is None:
            return
        summary = read_summary(run.summary)
        values = {key: summary[key] for key in SUMMARY if summary.get(key) is not None}
        self._act(lambda it: it.summary.update(values))
        if self.mode == "online" and not failed:
            self._act(lambda it: it.log_artifact(files_of(run, self._id)))
        self._lost = False
        if self.mode == "online":
            print("wandb   uploads what is left; Ctrl-C leaves that to wandb sync", flush=True)
        self._act(lambda it: it.finish(exit_code=int(failed)))
        if getattr(self._run, "_finish_timed_out", False):  # wandb itself is silent here
            print(
                f"wandb   has not taken all within {UPLOAD / 60:g} minutes; later: wandb sync "
                f"{quote(str(wandb_logs(run)[-1].parent))}"
            )
        self._run = None
        import wandb

        # Its service keeps the folders that it was started with: each run has its own.
        if wandb.run is None:
            wandb.teardown()


def cannot_start(reason: object) -> HumansegError:
    """Return an error that says why wandb does not work, and how to continue without it."""
    return HumansegError(
        f"wandb cannot start: {reason}. Put that right, or train without it: logger=[csv].",
        code="loggers.wandb_cannot_start",
    )


def files_of(run: RunFolder, identity: str) -> Any:
    """Return a run's files as a wandb artifact, without `last.ckpt`, `model.onnx` and logs."""
    import wandb

    artifact = wandb.Artifact(f"run-{identity}", type="run")
    files = [run.config, run.summary, run.history, run.scores, run.extra_scores]
    files += [run.submission, run.curves, run.best]
    galleries = [run.test_page, run.valid_page]
    pages = [run.index_page, *galleries]
    pictures = [path for page in galleries for path in sorted(page.with_suffix("").rglob("*"))]
    for path in [*files, *pages, *pictures]:
        if path.is_file():
            name = path.relative_to(run.path).as_posix()
            artifact.add_file(str(path), name=name, policy="immutable", skip_cache=True)
    return artifact


def table_of(samples: Sequence[ExamplePrediction]) -> Any:
    """Return samples as a wandb table: both masks over each photo, and its Dice."""
    import wandb

    rows: list[Any] = []
    for sample in samples:
        # JSON has no place for the bytes of a file name that is not Unicode.
        identity = sample.id.encode("utf-8", "replace").decode()
        masks = {
            name: {"mask_data": mask, "class_labels": CLASSES}
            for name, mask in (("prediction", sample.prediction), ("truth", sample.truth))
        }
        rows.append([identity, sample.kind, sample.dice, wandb.Image(sample.photo, masks=masks)])
    return wandb.Table(columns=["id", "kind", "dice", "photo"], data=rows)
