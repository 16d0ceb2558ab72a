"""Scoring a submission file with the task's formula."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from humanseg.data.layout.folders import list_items
from humanseg.data.layout.mask_rule import MaskRule
from humanseg.errors import HumansegError
from humanseg.io.names import natural_key
from humanseg.submission.complaints import as_lines, name_ids, ranges, shorten
from humanseg.submission.join import join_rows, order_notes, wanted_ids
from humanseg.submission.masks import ScoredRow, layout_complaints, put_right, score_row
from humanseg.submission.read import read_submission
from humanseg.submission.run_data import find_mask_rule, owner_splits

_WORST = 10


@dataclass(frozen=True)
class ScoreReport:
    """The score of a submission.

    Attributes
    ----------
    dice
        The mean of the task's Dice over all photos, in [0, 1].
    per_photo
        Dice of each photo, by id, in natural order.
    notes
        What is odd about the file, one sentence each.
    split
        The split that it was scored on.
    source
        The run whose data were taken, and the data, in words; empty where they were given.
    """

    dice: float
    per_photo: dict[str, float]
    notes: list[str] = field(default_factory=list)
    split: str = "valid"
    source: str = ""

    def text(self) -> str:
        """Return the report for a terminal: mean, spread, the worst ids and the notes."""
        scores = np.array(list(self.per_photo.values()))
        low, median, high = np.quantile(scores, [0.25, 0.5, 0.75])
        worst = sorted(self.per_photo, key=lambda id: (self.per_photo[id], natural_key(id)))
        lines = [
            *([f"data    {self.source}"] if self.source else []),
            f"Dice    {self.dice:.6f}, the mean over {len(scores)} photos of {self.split}",
            f"spread  standard deviation {scores.std():.4f}, lowest {scores.min():.4f}, "
            f"quartiles {low:.4f} {median:.4f} {high:.4f}, highest {scores.max():.4f}",
            "worst   "
            + ", ".join(f"{shorten(id)} {self.per_photo[id]:.4f}" for id in worst[:_WORST]),
        ]
        return "\n".join(lines + [f"note    {note}" for note in self.notes])


def score_file(
    csv: Path, root: Path | None = None, split: str = "valid", rule: MaskRule | None = None
) -> ScoreReport:
    """Score a submission file the way the task does.

    Parameters
    ----------
    csv
        The submission; `-` is standard input. Extra columns, another order of rows, Windows line
        ends and a byte order mark are read, and noted in the report.
    root
        The data folder, with the masks of `split`; None: that of the run in whose folder the
        submission is. Where that run validates on a fold of `train`, so does the score.
    split
        "train" or "valid".
    rule
        How masks are read; None: as the run does in whose folder the submission is.

    Returns
    -------
    ScoreReport
        Rows that fit the masks of other ids much better are pointed out in its notes.

    Raises
    ------
    HumansegError
        The file or the data cannot be read, ids are unknown, missing or repeated, or masks are
        broken, printed arrays or of another shape. All of it is named at once, by row.
    """
    submission = read_submission(csv)
    rule = find_mask_rule(csv) if rule is None else rule
    listed = [] if root is None else list_items(root, split, True, rule)
    source = ""
    if root is None:
        run, splits = owner_splits(csv)
        splits.rule = rule
        root, source = splits.root, f"{splits.root}, of the run {run}"
        listed = splits.items("valid") if split == "valid" else list_items(root, split, True, rule)
        if split == "valid" and splits.fold is not None:
            split, source = "train", f"{source}: fold {splits.fold} of {splits.folds}"
    items = {item.id: item for item in listed}
    wanted = wanted_ids(root, split, items)
    # Spaces around an id are no part of it, unless the photo's name has them too.
    ids = submission.rows["id"]
    given = submission.rows.assign(id=ids.where(ids.isin(wanted), ids.str.strip()))
    rows, complaints = join_rows(given, root, split, wanted)
    notes = submission.notes + order_notes(given, wanted)
    nans = rows.index[rows["rle"].str.lower() == "nan"].tolist()
    if nans:
        notes.append(f'"nan" stands for a mask in rows {ranges(nans)}, read as an empty mask')
    outcomes = [
        score_row(number, rle, items[id])
        for number, id, rle in zip(rows.index.tolist(), rows["id"], rows["rle"], strict=True)
    ]
    scored = [outcome for outcome in outcomes if outcome.complaint is None]
    complaints += submission.complaints + layout_complaints(outcomes)
    missing = [id for id in wanted if id not in set(given["id"])]
    lines = as_lines(complaints)
    if missing:
        lines.append(f"{len(missing)} ids of {split} are missing: {name_ids(missing)}")
    if lines:
        # With a score for every photo it is worth saying what the file gets as it stands.
        whole = len(scored) == len(wanted)
        now = f"\nRead as it stands it would score {_mean(scored):.6f}." if whole else ""
        raise HumansegError(
            f"{csv} cannot be scored; repair this and run the command again (row 1 is the "
            "header):\n  " + "\n  ".join(lines) + now,
            code="submission.wrong_rows",
        )
    moved, note = put_right(scored)
    if moved:
        right = float(np.mean([moved.get(row.item.id, row.dice) for row in scored]))
        notes.append(f"{note}; with these rows put right the file would score {right:.6f}")
    elif note:
        notes.append(note)
    per_photo = {row.item.id: row.dice for row in scored}
    ordered = {id: per_photo[id] for id in sorted(per_photo, key=natural_key)}
    return ScoreReport(_mean(scored), ordered, notes, split, source)


def _mean(scored: Sequence[ScoredRow]) -> float:
    return float(np.mean([row.dice for row in scored]))
