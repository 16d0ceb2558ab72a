"""The loggers of a run: opened before its first step, closed with the state it ended in."""

import os
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.loggers.logger import Logger, rank_zero_experiment
from pytorch_lightning.utilities import rank_zero_only

from humanseg.config import build
from humanseg.config.targets import find_target
from humanseg.errors import HumansegError
from humanseg.runs import RunFolder, read_summary
from humanseg.training.callbacks.prediction_table import Sample

STEP = "trainer/global_step"
CLASSES = {0: "background", 1: "person"}
SUMMARY = (
    "dice",
    "dice_at_half",
    "iou",
    "boundary_dice",
    "threshold",
    "best_epoch",
    "epochs",
    "parameters",
    "seconds",
    "images_per_second",
    "loader_wait",
    "peak_memory_mb",
)
"""What of `summary.json` becomes wandb's summary, under the same names."""


class WandbRun(Logger):
    """A run in wandb, all of its files in `wandb/` of the run's folder.

    Offline it needs no account and no network; `wandb sync RUN/wandb/offline-run-*` uploads it
    later. A resumed run has the wandb id that it had before, so that both parts are one run
    there. wandb is imported when the run starts. A training does not fail because its log does:
    when wandb stops working halfway, that is said once and the training goes on.

    Parameters
    ----------
    save_dir
        The run's folder.
    mode
        `online` needs an API key, as `wandb login` or WANDB_API_KEY give it.
    project, entity, group, tags
        Where wandb shows the run. No entity: that of the key.
    """

    def __init__(
        self,
        save_dir: str,
        mode: Literal["offline", "online"] = "offline",
        project: str = "humanseg",
        entity: str | None = None,
        group: str | None = None,
        tags: list[str] | None = None,
    ) -> None:
        super().__init__()
        self._folder = Path(save_dir)
        self.mode = mode
        self._where = {"project": project, "entity": entity, "run_group": group}
        self._tags = tuple(tags or ())
        self._id = _earlier_id(self._folder / "wandb") or secrets.token_hex(4)
        self._run: Any = None
        self._attach_id: str | None = None
        self._lost = False

    def __getstate__(self) -> dict[str, Any]:
        """Leave the connection out: a spawned process connects to the same run by itself."""
        return self.__dict__ | {"_run": None}

    @property
    def name(self) -> str | None:
        """The project."""
        return self._where["project"]

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
        """wandb's own object; started when first asked for.

        Raises
        ------
        HumansegError
            wandb cannot start.
        """
        if self._run is None:
            with self._inside():
                try:
                    self._run = self._started()
                except Exception as error:
                    raise _cannot_start(error) from error
        return self._run

    def _started(self) -> Any:
        import wandb

        if self._attach_id is not None:
            return wandb._attach(self._attach_id)
        settings = wandb.Settings(
            mode=self.mode,
            root_dir=str(self._folder),
            run_id=self._id,
            run_name=self._folder.name,
            run_tags=self._tags,
            resume="allow" if self.mode == "online" else None,
            # Neither joins nor ends a run that somebody else has open in this process.
            reinit="create_new",
            console="off",
            silent=True,
            # Links would break when the run's folder is moved.
            symlink=False,
            **self._where,
        )
        run = wandb.init(settings=settings)
        run.define_metric(STEP)
        run.define_metric("*", step_metric=STEP)
        run.define_metric("val/dice", step_metric=STEP, summary="max")
        self._attach_id = run._attach_id
        return run

    @contextmanager
    def _inside(self) -> Iterator[None]:
        """Keep what wandb would put below the home folder in the run's folder."""
        home = self._folder / "wandb"
        own = {"WANDB_DATA_DIR": str(home / "data"), "WANDB_CACHE_DIR": str(home / "cache")}
        if self.mode == "offline":
            own["WANDB_ERROR_REPORTING"] = "false"
        before = {key: os.environ.get(key) for key in own}
        os.environ.update(own)
        try:
            yield
        finally:
            for key, value in before.items():
                if value is None:
                    os.environ.pop(key, None)
                else:
                    os.environ[key] = value

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
            print(f"wandb stopped logging, the rest goes on without it: {error}", file=sys.stderr)

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Log a config, nested or flat, as one flat level."""
        self._act(lambda run: run.config.update(flat(params), allow_val_change=True))

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log scalars of an optimisation step."""
        row = dict(metrics) if step is None else {**metrics, STEP: step}
        self._act(lambda run: run.log(row))

    def log_samples(self, samples: Sequence[Sample]) -> None:
        """Log the table `predictions`: photos with both masks over them and their Dice."""
        self._act(lambda run: run.log({"predictions": _table(samples)}))

    def finalize(self, status: str) -> None:
        """Do nothing: Lightning calls this after `fit`, when the files are still to come."""

    @rank_zero_only
    def close(self, run: RunFolder, failed: bool) -> None:
        """Log what came out, and end the run in wandb.

        Parameters
        ----------
        run
            Its `summary.json` is logged, and its files where the run is online.
        failed
            Whether the run is to be marked so.
        """
        if self._run is None:
            return
        summary = read_summary(run.summary)
        self._act(lambda it: it.summary.update({key: summary.get(key) for key in SUMMARY}))
        if self.mode == "online" and not failed:
            self._act(lambda it: it.log_artifact(files_of(run, self._id)))
        self._lost = False
        self._act(lambda it: it.finish(exit_code=int(failed)))
        self._run = None
        import wandb

        # Its service keeps the folders that it was started with: each run has its own.
        if wandb.run is None:
            wandb.teardown()


def flat(config: Mapping[str, Any] | Sequence[Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested mappings and lists.

    Parameters
    ----------
    config
        Plain.
    prefix
        What comes before each key.

    Returns
    -------
    dict
        Keys such as ``optimizer/lr`` and ``augmentation/transforms/0/p``; wandb wants no dots
        in keys.
    """
    pairs = config.items() if isinstance(config, Mapping) else enumerate(config)
    result: dict[str, Any] = {}
    for key, value in pairs:
        nested = isinstance(value, Mapping | list | tuple) and len(value) > 0
        result |= flat(value, f"{prefix}{key}/") if nested else {f"{prefix}{key}": value}
    return result


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


def check_loggers(config: DictConfig) -> None:
    """Find what would keep a logger from starting, before anything is written.

    Parameters
    ----------
    config
        A run's, checked.

    Raises
    ------
    HumansegError
        wandb is not installed, or is to be online and has no key.
    """
    for node in _nodes(config):
        if not issubclass(find_target(node["_target_"]), WandbRun):
            continue
        if find_spec("wandb") is None:
            raise _cannot_start("it is not installed")
        if node.get("mode") == "online" and not _has_key():
            raise HumansegError(
                "logger.wandb.mode=online needs an API key of wandb, and none was found: run "
                "`wandb login`, or set WANDB_API_KEY. Or stay offline, and upload the run later "
                "with `wandb sync RUN/wandb/offline-run-*`."
            )


@contextmanager
def open_loggers(config: DictConfig, run: RunFolder) -> Iterator[list[Logger]]:
    """Start the loggers of a run, and close them in the state that the block ends in.

    Parameters
    ----------
    config
        The run's; wandb gets it flattened.
    run
        Where they write: wandb in `wandb/`, the others in `logs/`.

    Yields
    ------
    list of Logger
        For the trainer.

    Raises
    ------
    HumansegError
        One cannot start.
    """
    loggers: list[Logger] = []
    failed = True
    try:
        for node in _nodes(config):
            wandb = issubclass(find_target(node["_target_"]), WandbRun)
            folder = run.path if wandb else run.path / "logs"
            loggers.append(build(node, save_dir=str(folder)))
        for logger in _wandb_runs(loggers):
            logger.log_hyperparams(OmegaConf.to_container(config, resolve=True))
        yield loggers
        failed = False
    finally:
        for logger in _wandb_runs(loggers):
            logger.close(run, failed)


def sample_logs(loggers: Sequence[Logger]) -> list[Callable[[Sequence[Sample]], None]]:
    """Ways to log sample predictions, of the loggers that can show them."""
    return [logger.log_samples for logger in _wandb_runs(loggers)]


def _wandb_runs(loggers: Sequence[Logger]) -> list[WandbRun]:
    return [logger for logger in loggers if isinstance(logger, WandbRun)]


def _nodes(config: DictConfig) -> list[DictConfig]:
    return [node for node in (config.get("logger") or {}).values() if node is not None]


def _table(samples: Sequence[Sample]) -> Any:
    import wandb

    rows = []
    for one in samples:
        # JSON has no place for the bytes of a file name that is not Unicode.
        identity = one.id.encode("utf-8", "replace").decode()
        masks = {
            name: {"mask_data": mask, "class_labels": CLASSES}
            for name, mask in (("prediction", one.prediction), ("truth", one.truth))
        }
        rows.append([identity, one.kind, one.dice, wandb.Image(one.photo, masks=masks)])
    return wandb.Table(columns=["id", "kind", "dice", "photo"], data=rows)


def _earlier_id(folder: Path) -> str | None:
    """Find the id of the run whose files lie in a wandb folder."""
    files = sorted(folder.glob("*run-*/run-*.wandb"))
    return files[-1].stem.removeprefix("run-") if files else None


def _has_key() -> bool:
    """Whether wandb would find credentials without asking a person; the server is not asked."""
    import wandb
    from wandb.sdk import wandb_setup
    from wandb.sdk.lib import wbauth

    try:
        host = wandb_setup.singleton().settings.base_url
        found = wbauth.authenticate_session(
            host=host, source="humanseg", prompt=False, update_session=False
        )
    except Exception as error:
        raise _cannot_start(error) from error
    finally:
        if wandb.run is None:
            wandb.teardown()
    return found is not None


def _cannot_start(reason: object) -> HumansegError:
    return HumansegError(
        f"wandb cannot start: {reason}. Put that right, or train without it: logger=[csv]."
    )
