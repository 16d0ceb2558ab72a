"""Stages that exist already: which can be reused, and which do not match the recipe."""

from collections.abc import Sequence
from pathlib import Path

from humanseg.errors import HumansegError
from humanseg.io.files import file_sha256
from humanseg.recipes.compose import StagePlan
from humanseg.runs import RunFolder, is_locked, read_summary
from humanseg.sweeps.jobs import changed_setting, job_status
from humanseg.sweeps.naming import folder_aside
from humanseg.system.terminal import console


def outdated(plans: Sequence[StagePlan]) -> dict[str, str]:
    """Return why runs of stages cannot stay, by their names, in the recipe's order.

    A stage was made with other settings, or from the weights or teachers of a stage that has been
    trained again since, or will be.
    """
    found: dict[str, str] = {}
    for plan in plans:
        name, run = plan.stage.name, RunFolder(plan.job.folder)
        if not run.config.exists():
            continue
        if changed := changed_setting(plan.request):
            found[name] = changed
        elif again := [other for other in plan.stage.needs if other in found]:
            found[name] = f"{again[0]}, which it was made from, is to be trained again"
        elif other := _replaced(plan):
            found[name] = f"{other}, which it was made from, has been trained again since"
    return found


def put_aside(folder: Path, plans: Sequence[StagePlan], restart: bool) -> list[str]:
    """Rename outdated stages, and return their names; without `restart` they are an error."""
    reasons = outdated(plans)
    if not reasons:
        return []
    if not restart:
        lines = "\n".join(f"  {name}: {reason}" for name, reason in reasons.items())
        raise HumansegError(
            f"{folder} holds stages with other settings than this command:\n{lines}\nTrain "
            "these stages again with restart=true, which renames their folders and keeps all other "
            "stages, or give the recipe another folder with name=NAME.",
            code="recipes.other_settings",
        )
    working = [name for name in reasons if is_locked(RunFolder(folder / name).lock)]
    if working:
        raise HumansegError(
            f"A process is working in {folder / working[0]}: stop it before it is put aside.",
            code="recipes.in_use",
        )
    aside = folder_aside(folder)
    aside.mkdir(parents=True)
    for name, reason in reasons.items():
        (folder / name).rename(aside / name)
        console.print(f"aside   {aside / name}: {reason}")
    return list(reasons)


def _replaced(plan: StagePlan) -> str | None:
    """Return the stage whose checkpoint is not the one any more that a run was made from."""
    summary = read_summary(RunFolder(plan.job.folder).summary)
    made_from = [sha for shas in (summary.get("sources") or {}).values() for sha in shas]
    if not made_from:
        return None
    for other in plan.stage.needs:
        run = RunFolder(plan.job.folder.parent / other)
        # The last one is hashed only where the best one is not what was named.
        files = (file for file in (run.best, run.last) if file.is_file())
        if not job_status(run.path).is_done or all(
            file_sha256(file) not in made_from for file in files
        ):
            return other
    return None
