"""The ids of a submission: those of the data set's template, in its order."""

import unicodedata
from collections.abc import Iterable
from pathlib import Path

from humanseg.errors import HumansegError
from humanseg.io.names import HEADER, TEMPLATE_NAME, natural_key
from humanseg.io.tables import read_table
from humanseg.submission.complaints import name_ids


def template_ids(root: Path) -> list[str] | None:
    """Return the ids of the data set's template, in its order; None where it has no template."""
    path = root / TEMPLATE_NAME
    if not path.exists():
        return None
    remedy = "Repair it, or take it away to have the ids sorted naturally."
    try:
        ids = read_table(path, HEADER[:1])["id"]
    except HumansegError as error:
        raise HumansegError(
            f'The template {path} has no column "id" that can be read: {error} Its first line must '
            f"be {','.join(HEADER)}. {remedy}",
            code="submission.broken_template",
        ) from error
    repeated = ids[ids.duplicated()].unique().tolist()
    if repeated or ids.empty or (ids == "").any():
        wrong = f"has {name_ids(repeated)} more than once" if repeated else "has rows without an id"
        raise HumansegError(
            f"The template {path} {'has no rows' if ids.empty else wrong}: each id must come once. "
            f"{remedy}",
            code="submission.broken_template",
        )
    return list(ids)


def submission_ids(root: Path, ids: Iterable[str], all_of_them: bool = True) -> list[str]:
    """Return the ids of a submission, in the order of the template; without one naturally sorted.

    `all_of_them`: whether the template must name each of `ids`, or may be about some.
    """
    known = set(ids)
    template = template_ids(root)
    if template is None:
        return sorted(known, key=natural_key)
    named = {unicodedata.normalize("NFC", id) for id in template}
    differences = [
        f"{verb} {name_ids(sorted(different, key=natural_key))}"
        for verb, different in (
            ("names", named - known),
            ("lacks", known - named if all_of_them else set()),
        )
        if different
    ]
    if differences:
        scope = "exactly the" if all_of_them else "only"
        raise HumansegError(
            f"The template {root / TEMPLATE_NAME} does not name {scope} valid photos: it "
            f"{' and '.join(differences)}. Repair it, or take it away to have the ids sorted "
            "naturally.",
            code="submission.other_template",
        )
    return template
