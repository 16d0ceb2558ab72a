"""The answer in short, on photos that nobody here has seen, and what choosing on valid cost."""

import numpy as np
from numpy.typing import NDArray

from humanseg.inference.catalog import bundled_models
from research.claims import read_hypotheses
from research.records import Records, read_columns
from research.show import Prose, Table, say, score

LOST = "best"
"""The record of a run whose files are gone."""

_SPLITS = 2000


def abstract(records: Records) -> Prose:
    """Return the findings, the most important number first."""
    bundled = bundled_models()["best"]
    unseen = bundled.record["dice"]["unseen"]["in_distribution"]
    valid = bundled.record["dice"]["in_distribution"]
    table = records.table("others/unseen.csv")
    scores = dict(
        zip(
            zip(table.text("photos"), table.text("model"), strict=True),
            table.numbers("dice").tolist(),
            strict=True,
        )
    )
    first, others = str(unseen["photos"]), "530"
    solutions = records.table("others/solutions.csv")
    # Those that were handed in; the others were made of them here.
    handed_in = solutions.numbers("rescored")[np.isfinite(solutions.numbers("reported"))]
    low, high = unseen["interval"]
    found = say(
        "The task is to mark the pixels of people in photos. A photo scores the Dice coefficient "
        "of its mask, 1 where it equals the true one; a model scores the mean over photos. "
        f"On {first} photos of the task's kind that were never given to the project, the bundled "
        "model `best`, a U-Net on EfficientNet-Lite2 that was pretrained on ImageNet and distilled "
        f"from earlier versions of itself, has a mean Dice of **{unseen['mean']:.4f} "
        f"(95 % confidence interval {low:.4f} to {high:.4f})**; on the {valid['photos']} valid "
        f"photos it has {valid['mean']:.4f}. The small model `tiny`, "
        f"{bundled_models()['tiny'].bytes / 1e6:.1f} MB, has {scores[first, 'tiny']:.4f} on the "
        f"same {first} photos; MediaPipe's general model has "
        f"{scores[first, 'MediaPipe general']:.4f}. The best submission of another public solution "
        f"of this task scores {np.nanmax(handed_in):.4f} on valid. Two annotators of the same "
        f"photos agree to a Dice of {_agreement(records):.3f}: a gain above that may be "
        "the style of one annotator."
    )
    settled = say(
        "In short trainings, after correction for the number of claims, four choices are shown to "
        "be better: ImageNet weights, skip connections, milder augmentation after strong "
        "augmentation, and, by a claim that was put into words after its sweep, cross-entropy "
        "beside an overlap loss. The backbone is not among them: EfficientNet-Lite2 is not shown "
        "to differ from MobileNetV2, and has the lower mean. Two other steps of the recipe, a "
        "Lovász loss and soft labels of its own, gain nothing that three seeds and 400 photos can "
        "show."
    )
    elsewhere = say(
        "On out-of-distribution photos `best` is not better than ready-made models: on "
        f"{others} of eight other sources it has {scores[others, 'best']:.3f}, MediaPipe "
        f"{scores[others, 'MediaPipe general']:.3f}, and Robust Video Matting "
        f"{scores[others, 'Robust Video Matting']:.3f}. Training on photos of further sources "
        "(`robust`) recovers much of the loss, on sources that it was trained on."
    )
    return Prose("\n\n".join(part.text for part in (found, settled, elsewhere)))


def answers_table(records: Records) -> Table:
    """Ask what a reader would, and answer in a line each, with the section that shows it."""
    shipped, claims = bundled_models(), read_hypotheses(records)
    unseen = shipped["best"].record["dice"]["unseen"]["in_distribution"]
    best, robust = (
        shipped[name].record["dice"]["out_of_distribution"]["mean"] for name in ("best", "robust")
    )
    one_pixel = records.table("data/perturbed.csv")
    cost = 1 - float((one_pixel.numbers("shrink1") + one_pixel.numbers("grow1")).mean()) / 2
    decided = sum(one.verdict in ("better", "worse") for one in claims)
    tiny = shipped["tiny"]
    rows = [
        ["What does a Dice mean?", f"an outline one pixel off costs {cost:.4f}", "1, 2"],
        [
            "How good are the masks to learn from?",
            f"two annotators agree to {_agreement(records):.3f}; small components hardly matter",
            "2",
        ],
        [
            "What is trained, and how?",
            "six decoders, eleven backbones, twelve losses, in stages that distil",
            "3",
        ],
        [
            "What is done to photos and masks?",
            "strong augmentation, then milder; scaled, normalised, padded; a threshold of 0.5, and "
            "no post-processing, since none is shown to pay",
            "3",
        ],
        [
            "Which choice makes a difference?",
            f"most of all ImageNet weights and skip connections; {decided} of {len(claims)} claims "
            "are decided after Holm's correction",
            "4",
        ],
        [
            "How good is the model?",
            f"Dice {unseen['mean']:.4f} on {unseen['photos']} photos never given to the project",
            "5",
        ],
        [
            "Why this model?",
            "by evidence: ImageNet weights, skip connections, the loss; by a reason: the backbone",
            "5",
        ],
        [
            "And out of distribution?",
            f"on seven sources Dice {best:.3f} of `best`, {robust:.3f} of `robust`",
            "6",
        ],
        [
            "Where does it fail?",
            "mostly at the outline, then in whole regions; by the few photos of these kinds, on "
            "whole bodies and small people",
            "7",
        ],
        [
            "What does it cost?",
            f"`tiny`: {tiny.bytes / 1e6:.1f} MB, {tiny.record['latency']['milliseconds']:g} ms "
            "on one thread",
            "8",
        ],
        [
            "What is new here?",
            "other solutions rescored by one rule; what a pixel of outline costs; two annotators "
            "as a yardstick; claims corrected as a family; recipes by one command",
            "1, 2, 4, 5",
        ],
        ["What is not known?", "single steps and backbones at full length, seeds", "9, 10"],
    ]
    return Table(["question", "answer", "section"], rows)


def unseen_table(records: Records) -> Table:
    """Show the scores that the project's owner measured on photos that the project never had."""
    table = records.table("others/unseen.csv")
    numbers = (table.numbers(name) for name in ("dice", "low", "high"))
    rows = []
    texts = (table.text(name) for name in ("photos", "kind", "model"))
    for photos, kind, model, dice, low, high in zip(*texts, *numbers, strict=True):
        interval = f"{low:.4f} to {high:.4f}" if np.isfinite(low) else "not given"
        rows.append([f"{photos} {kind}", model, score(dice), interval])
    return Table(["photos", "model", "Dice>", "95 % confidence interval>"], rows)


def lost_run_text(records: Records) -> Prose:
    """Explain that the best run on record cannot be used."""
    lost, bundled = records.runs[LOST], records.headline()
    return say(
        f"One run on record scores higher on valid, {score(lost.dice)}, but its files were lost "
        f"before they could be bundled. Its record is `{lost.name}`; the sections below use it "
        f"only where they name it. The bundled model is the run `{bundled.name}`, with "
        f"{score(bundled.dice)} in fp32."
    )


def selection_table(records: Records) -> Table:
    """Estimate by how much selection on valid inflated the scores on valid."""
    lost = records.runs[LOST]
    history = read_columns(lost.folder / "history.csv").numbers("val_dice")
    dice = _dice_of_runs(records)
    others = [column for column, name in enumerate(records.runs) if name != LOST]
    rows = [
        [
            "the best epoch of a run",
            f"best epoch minus last epoch, mean of {len(records.runs)} runs",
            f"{best_epoch_gain(records):+.4f}",
        ],
        [
            "the evaluation size",
            f"`{LOST}` at the best of six sizes, minus its score at the training size",
            f"{lost.dice - float(np.nanmax(history)):+.4f}",
        ],
        [
            f"the best of {dice.shape[1]} runs",
            "selected on one half of valid: its score there minus that on the other half, "
            f"mean of {_SPLITS} splits",
            f"{choice_optimism(dice):+.4f}",
        ],
        [
            f"the same without `{LOST}`",
            "the remaining runs are closer together, so chance decides more often",
            f"{choice_optimism(dice[:, others]):+.4f}",
        ],
    ]
    return Table(["selected on valid", "estimated by", "inflation>"], rows)


def best_epoch_gain(records: Records) -> float:
    """Return how much the best epoch of a run has over its last, the mean over runs."""
    gains = []
    for run in records.runs.values():
        dice = read_columns(run.folder / "history.csv").numbers("val_dice")
        dice = dice[np.isfinite(dice)]
        gains.append(dice.max() - dice[-1])
    return float(np.mean(gains))


def choice_optimism(dice: NDArray[np.float64]) -> float:
    """Return how much the best run's score on the photos that chose it exceeds that on others.

    Parameters
    ----------
    dice
        Shape (photos, runs).

    Returns
    -------
    float
        The mean over random halves, each of which chooses once: a difference between the halves
        that all runs share cancels out.
    """
    generator = np.random.Generator(np.random.PCG64(0))
    middle, gaps = len(dice) // 2, []
    for _ in range(_SPLITS):
        order = generator.permutation(len(dice))
        halves = dice[order[:middle]].mean(0), dice[order[middle:]].mean(0)
        chosen = [int(half.argmax()) for half in halves]
        gaps += [
            half[run] - other[run]
            for half, other, run in zip(halves, halves[::-1], chosen, strict=True)
        ]
    return float(np.mean(gaps))


def _dice_of_runs(records: Records) -> NDArray[np.float64]:
    return np.stack([run.scores.numbers("dice") for run in records.runs.values()], axis=1)


def _agreement(records: Records) -> float:
    table = records.table("data/second_annotation.csv")
    train = np.array(table.text("split")) == "train"
    return float(table.numbers("dice")[train].mean())
