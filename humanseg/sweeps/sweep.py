"""A sweep as it is asked for, and where it lies."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Quote, QuotedString
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext
from omegaconf import DictConfig, open_dict

from humanseg.config.settings import kind_of
from humanseg.errors import HumansegError
from humanseg.io.files import explain_os_error
from humanseg.runs import is_locked
from humanseg.sweeps.jobs import Job, require_same
from humanseg.sweeps.launchers import open_launcher
from humanseg.sweeps.naming import differing, job_name, sweep_name
from humanseg.sweeps.task import Task, job_request
from humanseg.system.terminal import console
from humanseg.training.request import Request, hydra_choices

_ONE_RUN = ("run_dir", "name", "resume")


@dataclass(frozen=True)
class Sweep:
    """A sweep as it is asked for.

    Attributes
    ----------
    folder
        Absolute; each job has a folder in it.
    overrides
        Parsed, each key once: those of the search and of the command line.
    varied
        The keys whose values differ between jobs.
    context, config
        Hydra's, and what all jobs share.
    """

    folder: Path
    overrides: tuple[Override, ...]
    varied: frozenset[str]
    context: HydraContext
    config: DictConfig

    @property
    def fixed(self) -> list[str]:
        """The overrides that all jobs share."""
        return [str(one.input_line) for one in self.overrides if not one.is_sweep_override()]

    def job(self, overrides: Sequence[str]) -> Job:
        """Say where the job with these overrides lies."""
        name = job_name(overrides, self.varied)
        differs = differing(overrides, self.varied)
        return Job(name, self.folder / name, tuple(overrides), tuple(differs))

    def request(self, job: Job) -> Request:
        """Compose what a job trains.

        Raises
        ------
        HydraException
            Its overrides do not fit.
        """
        loader = self.context.config_loader
        composed = loader.load_sweep_config(self.config, list(job.overrides))
        choices = hydra_choices(composed.hydra)
        return job_request(self.folder, self.varied, composed, list(job.overrides), choices)

    def check(self, jobs: Sequence[Job]) -> None:
        """Find what is wrong with any job before the first one starts.

        Raises
        ------
        HumansegError
            A job's config cannot be composed, or its folder holds a run with other settings.
        """
        for job in jobs:
            request = self.request(job)
            if not self.config.fresh:
                require_same(request)

    def begin(self) -> None:
        """Make the folder; put an earlier one aside first, where that is asked for.

        Raises
        ------
        HumansegError
            A process works in the earlier one, or the folder cannot be made.
        """
        if self.config.fresh and self.folder.exists():
            locks = [self.folder / ".lock", *self.folder.glob("*/.lock")]
            working = [path.parent for path in locks if is_locked(path)]
            if working:
                raise HumansegError(
                    f"A process is working in {working[0]}: stop it before it is put aside."
                )
            stamp = time.strftime("%Y%m%d-%H%M%S")
            aside = self.folder.with_name(f"{self.folder.name}-before-{stamp}")
            self.folder.rename(aside)
            console.print(f"aside   {aside}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise explain_os_error(error, self.folder) from error

    def launcher(self) -> Launcher:
        """Make the launcher that the config names: it starts jobs, here or elsewhere."""
        # What launchers write for themselves goes into the sweep's folder.
        folder = QuotedString(str(self.folder), Quote.single).with_quotes()
        with open_dict(self.config):
            self.config.hydra.sweep.dir = str(self.folder)
            self.config.hydra.overrides.hydra.append(f"hydra.sweep.dir={folder}")
        return open_launcher(self.context, self.config, Task(self.folder, self.varied))


def read_sweep(
    context: HydraContext, config: DictConfig, arguments: list[str], params: Mapping[str, Any]
) -> Sweep:
    """Work out what is asked for; nothing is written.

    Parameters
    ----------
    context, config
        As Hydra gives them to a sweeper.
    arguments
        The command line's overrides.
    params
        Values by key; those of the command line take their place.

    Returns
    -------
    Sweep
        In the same folder for the same command.

    Raises
    ------
    HumansegError
        A setting of a single run is given, or several values where there can be one.
    """
    parser = OverridesParser.create(config_loader=context.config_loader)
    words = [f"{key}={value}" for key, value in params.items()] + arguments
    overrides = {one.get_key_element(): one for one in parser.parse_overrides(words)}
    varied = [one.key_or_group for one in overrides.values() if one.is_sweep_override()]
    for key in _ONE_RUN:
        if config.get(key) or key in varied:
            raise HumansegError(
                f"{key}={config.get(key) or '…'} is about a single run, and this is a sweep: leave "
                "it out. sweep=NAME names a sweep, runs_dir=PATH says where it lies."
            )
    for key in varied:
        if kind_of(key) == "place":
            raise HumansegError(f"{key} is one for all jobs of a sweep: give it one value.")
    name = str(config.sweep or sweep_name(arguments, params, varied))
    folder = Path(str(config.runs_dir)).expanduser().absolute() / name
    return Sweep(folder, tuple(overrides.values()), frozenset(varied), context, config)
