"""What a launcher of Hydra calls for each job, in whatever process and on whatever machine."""

from dataclasses import dataclass
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict

from humanseg.config.settings import kind_of
from humanseg.sweeps.jobs import Outcome, standing
from humanseg.sweeps.naming import differing, job_name, key_of
from humanseg.sweeps.subprocess_runner import work_apart
from humanseg.system.terminal import console
from humanseg.training.request import Request, hydra_choices, settle


@dataclass(frozen=True)
class Task:
    """A job of a sweep, from its composed config.

    Whether there is something to do is found out here and not where the sweep was started: that
    may be long ago, and elsewhere.

    Attributes
    ----------
    sweep
        The sweep's folder, absolute.
    varied
        The keys whose values differ between jobs.
    """

    sweep: Path
    varied: frozenset[str]

    def __call__(self, config: DictConfig) -> Outcome:
        """Do the job, or what is left of it."""
        hydra = HydraConfig.get()
        choices = hydra_choices(hydra)
        request = job_request(self.sweep, self.varied, config, hydra.overrides.task, choices)
        name = request.folder.name
        before = standing(request.folder)
        if before.state in ("finished", "pruned"):
            return Outcome(before.state)
        console.print(f"\njob     {name}")
        outcome = work_apart(request)
        if outcome.state != "finished":
            console.print(f"{outcome.state}  {name}: {outcome.reason}")
        return outcome


def job_request(
    sweep: Path,
    varied: frozenset[str],
    config: DictConfig,
    overrides: list[str],
    choices: dict[str, str],
) -> Request:
    """Work out what a job trains, and where.

    Parameters
    ----------
    sweep, varied
        As `Task` has them.
    config
        The job's, composed.
    overrides, choices
        The job's, all of them.

    Returns
    -------
    Request
        A new run, as far as is known here.
    """
    settled = settle(config)
    with open_dict(settled):
        settled.sweep, settled.fresh = sweep.name, False
        _mark_logs(settled, sweep.name, differing(overrides, varied))
    kept = [one for one in overrides if kind_of(key_of(one)) != "place"]
    folder = sweep / job_name(overrides, varied)
    return Request(settled, folder, resume=False, overrides=kept, choices=choices)


def _mark_logs(config: DictConfig, sweep: str, differs: list[str]) -> None:
    """Show a job in wandb as one of its sweep, with what makes it different."""
    for node in (config.get("logger") or {}).values():
        if isinstance(node, DictConfig) and {"group", "tags"} <= node.keys():
            node.group = node.group or sweep
            # wandb takes tags of up to 64 characters.
            tags = [*(node.tags or []), *(one[:64] for one in differs)]
            node.tags = OmegaConf.create(tags)
            # WANDB_NAME would be that of all jobs.
            node.run_name = None
