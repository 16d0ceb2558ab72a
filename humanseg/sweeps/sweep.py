"""A sweep: its folder, and the config of each of its jobs."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.errors import HydraException
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from humanseg.config.settings import kind_of
from humanseg.errors import HumansegError
from humanseg.io.files import explain_write_errors
from humanseg.runs import is_locked
from humanseg.runs.new_folder import require_sweep_folder
from humanseg.sweeps.jobs import Job, require_same_settings
from humanseg.sweeps.launch import launcher_in
from humanseg.sweeps.naming import folder_aside, is_below, job_folder, key_of, sweep_name
from humanseg.sweeps.run_job import Task, job_request
from humanseg.system.progress import progress_on
from humanseg.system.terminal import console
from humanseg.training.request import TrainRequest, hydra_choices

_ONE_RUN = ("run_dir", "name", "resume")
_MANY = 64
"""More jobs than these take so long to be composed that a word comes first."""
_COMPOSED = 256
"""Most configs that are kept while jobs are composed: each takes a part of a megabyte."""


@dataclass(frozen=True)
class Sweep:
    """A sweep as it is requested.

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
        """Return the overrides that all jobs share."""
        return [str(word.input_line) for word in self.overrides if not word.is_sweep_override()]

    def job(self, overrides: Sequence[str]) -> Job:
        """Return the job with these overrides."""
        folder = job_folder(self.folder, overrides, self.varied)
        return Job(folder.name, folder, tuple(overrides))

    def request(self, job: Job) -> TrainRequest:
        """Compose the config of a job."""
        overrides = list(job.overrides)
        try:
            config, choices = self._composer.compose(overrides)
        except (OmegaConfBaseException, HydraException):
            # Hydra says best what is wrong.
            config = self.context.config_loader.load_sweep_config(self.config, overrides)
            choices = hydra_choices(config.hydra)
        return job_request(self.folder, self.varied, config, overrides, choices)

    def requests(self, jobs: Sequence[Job]) -> list[TrainRequest]:
        """Compose the configs of many jobs; see `request`."""
        with progress_on(console, "composing jobs") as move:
            found = []
            for number, job in enumerate(jobs):
                move(number, len(jobs))
                found.append(self.request(job))
        return found

    @cached_property
    def _composer(self) -> "Composer":
        return Composer(self.context.config_loader, self.config, self.overrides)

    def check(self, jobs: Sequence[Job]) -> None:
        """Find what is wrong with any job before the first one starts."""
        if len(jobs) > _MANY:
            console.print(f"checking {len(jobs)} jobs in {self.folder} …")
        for request in self.requests(jobs):
            if not self.config.restart:
                require_same_settings(request)

    def begin(self) -> None:
        """Make the folder; put an earlier one aside first, where that is requested."""
        if self.config.restart and self.folder.exists():
            locks = [self.folder / ".lock", *self.folder.glob("*/.lock")]
            working = [path.parent for path in locks if is_locked(path)]
            if working:
                raise HumansegError(
                    f"A process is working in {working[0]}: stop it before it is put aside.",
                    code="sweeps.in_use",
                )
            aside = folder_aside(self.folder)
            self.folder.rename(aside)
            console.print(f"aside   {aside}")
        with explain_write_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)

    def launcher(self) -> Launcher:
        """Make the launcher that the config names: it starts jobs, here or elsewhere."""
        task = Task(self.folder, self.varied)
        return launcher_in(self.folder, self.context, self.config, task)


class Composer:
    """Composes the configs of jobs, reading files only where another file is chosen.

    Hydra reads and merges all files for each job, in about 0.2 s. Jobs that choose the same files
    differ in single values alone, which are set in a copy of what Hydra has composed.

    Parameters
    ----------
    loader, config
        Hydra's, and what all jobs share.
    overrides
        Of the sweep, parsed.
    """

    def __init__(
        self, loader: ConfigLoader, config: DictConfig, overrides: Sequence[Override]
    ) -> None:
        self._loader, self._config = loader, config
        self._parser = OverridesParser.create(config_loader=loader)
        self._parsed: dict[str, Override] = {}
        self._composed: dict[tuple[str, ...], tuple[DictConfig, dict[str, str]]] = {}
        keys = [str(word.get_key_element()).lstrip("+~") for word in overrides]
        # A value that is part of another one, or holds it, is set in Hydra's order.
        self._single = {
            key
            for key, word in zip(keys, overrides, strict=True)
            if word.is_sweep_override()
            and word.type is OverrideType.CHANGE
            and word.package is None
            and not loader.get_group_options(key)
            and not any(
                other != key and (is_below(key, [other]) or is_below(other, [key]))
                for other in keys
            )
        }

    def compose(self, overrides: Sequence[str]) -> tuple[DictConfig, dict[str, str]]:
        """Compose a config as Hydra does, without Hydra's own node; return its choices too."""
        single = [word for word in overrides if word.split("=")[0] in self._single]
        files = tuple(word for word in overrides if word not in single)
        if files not in self._composed:
            if len(self._composed) >= _COMPOSED:
                self._composed.clear()
            composed = self._loader.load_sweep_config(self._config, list(files))
            choices = hydra_choices(composed.hydra)
            with open_dict(composed):
                del composed["hydra"]
            self._composed[files] = composed, choices
        composed, choices = self._composed[files]
        config = deepcopy(composed)
        for word in single:
            if word not in self._parsed:
                self._parsed[word] = self._parser.parse_override(word)
            OmegaConf.update(config, word.split("=")[0], self._parsed[word].value(), merge=True)
        return config, choices


def read_sweep(
    context: HydraContext, config: DictConfig, arguments: list[str], params: Mapping[str, Any]
) -> Sweep:
    """Read what is requested; nothing is written, and the same command has the same folder.

    Values of the command line take the place of those of `params`.
    """
    loader = context.config_loader
    parser = OverridesParser.create(config_loader=loader)
    # A setting takes the place of those below it too, and with plus signs of the one without.
    settings = [key for word in arguments if not loader.get_group_options(key := key_of(word))]
    typed = [word.partition("=")[0] for word in arguments]
    varied_keys = [key for key in params if key in typed or not is_below(key_of(key), settings)]
    words = [f"{key}={params[key]}" for key in varied_keys] + arguments
    overrides = {word.get_key_element(): word for word in parser.parse_overrides(words)}
    varied = [word.key_or_group for word in overrides.values() if word.is_sweep_override()]
    for key in _ONE_RUN:
        if config.get(key) or key in varied:
            raise HumansegError(
                f"{key}={config.get(key) or '…'} is about a single run, and this is a sweep: leave "
                "it out. sweep=NAME names a sweep, runs_dir=PATH says where it is.",
                code="sweeps.single_run_setting",
            )
    for key in varied:
        if kind_of(key) == "place":
            raise HumansegError(
                f"{key} is one for all jobs of a sweep: give it one value.",
                code="sweeps.one_value",
            )
    name = str(config.sweep or sweep_name(arguments, params, varied))
    folder = Path(str(config.runs_dir)).expanduser().absolute() / name
    require_sweep_folder(folder)
    return Sweep(folder, tuple(overrides.values()), frozenset(varied), context, config)
