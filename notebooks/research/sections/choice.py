"""Why this model: what each of its parts rests on, and which bundled model is for which photos."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from humanseg.config.renames import current_key
from humanseg.inference.catalog import bundled_models
from humanseg.metrics.statistics import paired_difference
from humanseg.metrics.verdicts import compare, judge_all
from research.claims import Hypothesis, read_hypotheses
from research.records import Records
from research.sections.hypotheses import shorten
from research.sections.ladder import BUNDLED, at_full_cost
from research.sections.small import contenders
from research.sections.sources import MEASURE, RIVAL, SEEN
from research.show import Prose, Table, difference, not_measured, p_value, say, score

_POST_HOC = "evidence, post hoc"


@dataclass(frozen=True)
class _Part:
    """A part of the recipe `best`.

    Attributes
    ----------
    name, taken, instead
        The part, what was taken and what it was compared with.
    setting, than
        Of the claims about it; the second may be empty.
    runs
        The pair of runs of full length that says something of it.
    reason
        What speaks for it besides, where nothing was decided.
    direct
        The first value that a claim must have to count as evidence; empty: any.
    """

    name: str
    taken: str
    instead: str
    setting: str
    than: str = ""
    runs: tuple[str, str] = ("", "")
    reason: str = ""
    direct: str = ""


_PARTS = (
    _Part(
        "weights", "ImageNet", "none", "backbone.weights", "none", (BUNDLED, "best_from_scratch")
    ),
    _Part("decoder", "U-Net", "PSPNet", "model", "pspnet", (BUNDLED, "best_pspnet")),
    _Part(
        *("decoder", "U-Net", "U-Net++, gates, scSE", "model", "unet"),
        reason="the plainest, and none of them is shown to be better",
    ),
    _Part("decoder", "U-Net", "light U-Net", "model", "light_unet"),
    _Part(
        *("backbone", "EfficientNet-Lite2", "MobileNetV2", "backbone", "mobilenetv2"),
        reason="better on ImageNet; long trainings are not compared",
        direct="efficientnet_lite2",
    ),
    _Part("loss, first", "cross-entropy + soft Dice", "soft Dice alone", "loss", "dice"),
    _Part(
        *("loss, then", "cross-entropy + Lovász", "cross-entropy + soft Dice", "loss", "bce_dice"),
        reason="nothing shows that it harms",
    ),
    _Part(
        *("augmentation", "mild at the end", "none", "augmentation", "none"),
        reason="out-of-distribution photos",
    ),
    _Part("augmentation", "mild at the end", "strong at the end", "augmentation", "robust"),
    _Part("augmentation", "mild", "strong throughout", "augmentation", "world"),
    _Part(
        *("size", "512 pixels", "the photos' own 320", "data.train_size"),
        reason="the outline; the claims are of smaller sizes",
        direct="512",
    ),
    _Part(
        *("distillation", "from itself", "masks alone", "distillation.weight", "0.0"),
        *(("best/before", "best/teacher"), "unlabelled photos can be used"),
    ),
    _Part(
        *("backbone's rate", "half the decoder's", "a tenth or all of it"),
        *("optimizer.backbone_lr_factor", "1.0"),
        reason="between the two that were compared",
    ),
    _Part(
        *("averaged weights", "yes", "no", "callbacks.ema.decay", "0.0"),
        reason="costs nothing",
    ),
)


def parts_table(records: Records) -> Table:
    """Show what each part of the recipe rests on."""
    headline = records.headline().name
    hypotheses, full = read_hypotheses(records), at_full_cost(records)
    rows = []
    for part in _PARTS:
        claims = _claims(part, hypotheses)
        named = tuple(headline if name == BUNDLED else name for name in part.runs)
        at_full = [
            f"{'boundary ' if one.score != 'dice' else ''}{both.difference:+.4f}, {verdict}"
            for one, (both, verdict) in full.items()
            if (one.first, one.second) == named
        ]
        rows.append(
            [
                part.name,
                part.taken,
                part.instead,
                "; ".join(_said(one) for one in claims) or "–",
                "; ".join(at_full) or "–",
                _rests_on(claims, part),
            ]
        )
    names = ["small budget", "full length", "rests on"]
    return Table(["part", "taken", "instead of", *names], rows)


def parts_text(records: Records) -> Prose:
    """Count what the parts rest on."""
    hypotheses = read_hypotheses(records)
    rests = [_rests_on(_claims(part, hypotheses), part) for part in _PARTS]
    evidence = sum(one.startswith("evidence") for one in rests)
    return say(
        f"Of these {len(rests)} choices, {evidence} rest on a verdict after Holm's correction "
        f"({rests.count(_POST_HOC)} of them post hoc), and {len(rests) - evidence} on a reason. "
        "The numbers are differences of the first value from "
        "the second, in Dice unless the boundary is named."
    )


def models_table(records: Records) -> Table:
    """Show each bundled model with what it scores, what it costs and what it is for."""
    rows = []
    for name, model in bundled_models().items():
        dice, of_others = model.record["dice"], model.record["dice"]["out_of_distribution"]
        rows.append(
            [
                f"`{name}`",
                score(dice["in_distribution"]["mean"]),
                f"{of_others['mean']:.3f}",
                f"{dice['no_person']['people_seen']:.0%}",
                f"{model.record['latency']['milliseconds']:g}",
                f"{model.bytes / 1e6:.2f}",
                str(model.record["purpose"]),
            ]
        )
    valid, others, nobody = (records.of_bundled(name) for name in ("valid", "sources", "nobody"))
    if valid and others and nobody and RIVAL in valid:
        seen = float((nobody.numbers(RIVAL) > SEEN).mean())
        means = [float(table.numbers(RIVAL).mean()) for table in (valid, others)]
        (cost,) = [one for one in contenders(records) if one.name == "MediaPipe selfie general"]
        cells = [score(means[0]), f"{means[1]:.3f}", f"{seen:.0%}"]
        # The others were measured together, this one elsewhere.
        cells += [f"{cost.milliseconds:g}, another machine", f"{cost.megabytes:.2f}"]
        rows.append([RIVAL, *cells, "video calls and selfies"])
    names = ["Dice, valid>", "Dice, other sources>", "person predicted where none is>"]
    names += ["ms a photo>", "MB>"]
    return Table(["model", *names, "for"], rows)


def pairs_table(records: Records) -> Table | Prose:
    """Compare the bundled models with each other and with a ready-made one, photo by photo."""
    valid, others = records.of_bundled("valid"), records.of_bundled("sources")
    if valid is None or others is None:
        return not_measured("the bundled models photo by photo", MEASURE)
    asked: list[tuple[str, str, str, NDArray[np.float64], NDArray[np.float64]]] = []
    on_valid = (("best", "tiny"), ("best", "robust"), ("tiny", "robust_tiny"))
    on_others = (("robust", "best"), ("robust_tiny", "tiny"))
    for table, where, pairs in (
        (valid, "the task's valid", on_valid),
        (others, "other sources", on_others),
    ):
        rivals = [(name, RIVAL) for name in bundled_models()] if RIVAL in table else []
        asked += [
            (where, first, second, table.numbers(first), table.numbers(second))
            for first, second in (*pairs, *rivals)
        ]
    gaps = [paired_difference(first, second) for *_, first, second in asked]
    judged = judge_all([compare(gap) for gap in gaps])
    rows = [
        [
            f"{gap.photos} of {where}",
            f"`{first}` − {_model(second)}",
            *difference(gap),
            p_value(p),
            f"**{verdict}**",
        ]
        for (where, first, second, *_), gap, (p, verdict) in zip(asked, gaps, judged, strict=True)
    ]
    names = ["difference>", "95 %, photos>", "p, Holm>", "verdict"]
    return Table(["photos", "models", *names], rows)


def _model(name: str) -> str:
    return name if name == RIVAL else f"`{name}`"


def _claims(part: _Part, hypotheses: Sequence[Hypothesis]) -> list[Hypothesis]:
    return [
        one
        for one in hypotheses
        if current_key(one.setting) == part.setting and _values_fit(part, one)
    ]


def _values_fit(part: _Part, one: Hypothesis) -> bool:
    if part.setting == "backbone":
        return {one.better, one.than} & {"efficientnet_lite2", "efficientnet_lite0"} != set()
    return not part.than or one.than == part.than


def _said(one: Hypothesis) -> str:
    outline = ", boundary" if one.score == "boundary_dice" else ""
    values = f"{shorten(one.better)} − {one.than}{outline}"
    late = ", post hoc" if one.exploratory else ""
    return f"#{one.number} {values}: {one.difference.difference:+.4f}, {one.verdict}{late}"


def _rests_on(claims: Sequence[Hypothesis], part: _Part) -> str:
    for_it = [
        claim for claim in claims if claim.verdict == "better" and part.direct in ("", claim.better)
    ]
    if for_it:
        return _POST_HOC if all(claim.exploratory for claim in for_it) else "evidence"
    return f"a reason: {part.reason}"
