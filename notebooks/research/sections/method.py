"""Losses, augmentation and the stages of the recipes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanseg.config.find import conf_folder
from humanseg.runs.record import read_config
from research.show import Picture, Table, picture, show_tile, tiles

LOSSES: Mapping[str, tuple[str, str]] = {
    "bce": (
        "`BCE = mean over pixels of −t·log p − (1 − t)·log(1 − p)`",
        "cross-entropy, all pixels of a batch weigh the same",
    ),
    "dice": (
        "`Dice = 1 − (2·Σpt + s) / (Σp + Σt + s)` per photo, `s` one pixel",
        "Milletari et al. 2016, with the denominator of Sudre et al. 2017",
    ),
    "jaccard": ("`1 − (Σpt + s) / (Σp + Σt − Σpt + s)` per photo", "Rahman and Wang 2016"),
    "tversky": (
        "`T = 1 − (Σpt + s) / (Σpt + α·Σp(1 − t) + β·Σ(1 − p)t + s)` per photo, `β > α`",
        "Salehi et al. 2017: missed pixels weigh more",
    ),
    "focal_tversky": ("`T` to the power `1/γ` per photo", "Abraham and Khan 2019"),
    "lovasz": (
        "`L = Σ m(i)·Δ(i)` per photo: hinge errors `m = max(0, 1 − z·(2t − 1))` in falling order, "
        "`Δ(i)` what the `i`-th adds to the Jaccard distance",
        "Berman et al. 2018, on the logit `z`",
    ),
    "focal": (
        "`mean of −a·(1 − q)^γ·log q`, `q` the probability of the true class",
        "Lin et al. 2017",
    ),
    "boundary": (
        "`Σ w·BCE / Σ w` per photo, `w = 1 + 5·abs(local mean of t − t)`",
        "Wei et al. 2020: pixels near the boundary weigh more",
    ),
    "bce_dice": ("`½·BCE + ½·Dice`", "the default"),
    "bce_lovasz": ("`½·BCE + ½·L`", "in the later stages of `recipe=best`"),
    "focal_dice": ("`½·focal + ½·Dice`", ""),
    "boundary_dice": ("`½·boundary + ½·Dice`", ""),
}
"""Each value of `loss=`: its formula and where it comes from."""

SOFT = (
    "`½·BCE(p, q) + ½·Σabs(p − q) / (Σp + Σq + s)` per photo",
    "distillation toward a teacher's `q`: Hinton et al. 2015, Wang et al. 2023",
)

AUGMENTATIONS = ("light", "standard", "heavy", "robust")
_LISTED = (*AUGMENTATIONS, "scenes")
_CHANGES: Mapping[str, tuple[str, ...]] = {
    "mirrored": ("HorizontalFlip",),
    "scaled, turned, moved": ("Affine",),
    "perspective": ("Perspective",),
    "colours": ("ColorJitter", "RandomBrightnessContrast", "HueSaturationValue"),
    "light: gamma, warmth, tone": ("RandomGamma", "PlanckianJitter", "RandomToneCurve"),
    "grey": ("ToGray",),
    "a shadow": ("RandomShadow",),
    "blurred, reduced, sharpened": ("MotionBlur", "GaussianBlur", "Downscale", "Sharpen"),
    "noise, compression": ("GaussNoise", "ImageCompression"),
    "patches hidden, the mask kept": ("CoarseDropout",),
}
"""What is changed, by the transforms that do it."""
_PASTED = {
    "another background": "p_background",
    "one or two more people": "p_extra_person",
    "the background blurred": "p_blur",
}
"""What `copy_paste` does, by its settings."""
_DRAWN = (5, 8, 14)  # numbers of photos of the sample
_DRAWS = 5
_OUTLINE = ((20, 20, 20), (255, 230, 0))


def losses_table() -> Table:
    """Show the formula and the source of each loss."""
    rows = [[f"`{name}`", *about] for name, about in LOSSES.items()]
    return Table(["`loss=`", "formula", "source"], [*rows, ["soft labels", *SOFT]])


def augmentation_table() -> Table:
    """Show how probable each change is in each augmentation, and how strong, read from its file."""
    configs = [read_config(conf_folder() / "augmentation" / f"{name}.yaml") for name in _LISTED]
    rows = [
        [what, *(_chance(config["transforms"], names) for config in configs)]
        for what, names in _CHANGES.items()
    ]
    for what, key in _PASTED.items():
        chances = [config.get("copy_paste", {}).get(key, 0) for config in configs]
        rows.append([what, *(f"{chance:.0%}" if chance else "–" for chance in chances)])
    return Table(["change", *(f"`{name}`" for name in _LISTED)], rows)


def _chance(transforms: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    """Write how probable it is that one of these transforms is applied, and how strong it is."""
    spared, strength = 1.0, ""
    for one in transforms:
        options = one.get("transforms", [one])
        fitting = [option for option in options if _name(option) in names]
        if fitting:
            spared *= 1 - one["p"] * len(fitting) / len(options)
            strength = strength or _strength(fitting[0])
    return f"{1 - spared:.0%}{strength}" if spared < 1 else "–"


def _name(transform: Mapping[str, Any]) -> str:
    return str(transform["_target_"]).rpartition(".")[2]


def _strength(transform: Mapping[str, Any]) -> str:
    if _name(transform) == "Affine":
        low, high = transform["scale"]
        return f": × {low:g} to {high:g}, ± {transform['rotate'][1]}°"
    if "brightness" in transform:
        return f": brightness ± {transform['brightness'][1] - 1:.0%}"
    if "brightness_limit" in transform:
        return f": brightness ± {transform['brightness_limit']:.0%}"
    return ""


def augmentation_picture() -> Picture:
    """Show samples of each augmentation of a drawn person, with the outline of the mask."""
    from humanseg.config.build import build
    from humanseg.data.labelled_photo import LabelledPhoto
    from humanseg.data.synthetic import draw_photo
    from humanseg.data.transforms.augmentation import sample_seed

    photos = [LabelledPhoto(*draw_photo(0, number)[:2]) for number in _DRAWN]

    def other(generator: np.random.Generator) -> LabelledPhoto:
        return photos[int(generator.integers(1, len(photos)))]

    figure, axes = tiles(len(AUGMENTATIONS), _DRAWS)
    for row, name in zip(axes, AUGMENTATIONS, strict=True):
        augment = build(read_config(conf_folder() / "augmentation" / f"{name}.yaml"))
        for draw, axis in enumerate(row):
            drawn = augment(photos[0], sample_seed(0, draw, name), other)
            title = f"{name}" if not draw else ""
            show_tile(axis, _outlined(drawn.photo, drawn.mask), title)
    alt = (
        "Five samples of each augmentation of one drawn person, the outline of the mask in yellow."
    )
    return picture(figure, alt, photos=True)


def _outlined(photo: NDArray[np.uint8], mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    import cv2

    shown = photo.copy()
    contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    for colour, width in zip(_OUTLINE, (5, 2), strict=True):
        cv2.drawContours(shown, contours, -1, colour, width)
    return shown


def stages_table(recipe: str = "best") -> Table:
    """Show the stages of a recipe and their settings, read from the configs."""
    stages = read_config(conf_folder() / "recipe" / f"{recipe}.yaml")["stages"]
    rows = []
    for name, stage in stages.items():
        settings = stage["settings"]
        base = read_config(conf_folder() / "experiment" / f"{settings['experiment']}.yaml")
        groups = _groups(base.get("defaults", ()))
        size = _setting(settings, base, "data", "train_size")
        eval_size = settings.get("eval_size", base.get("eval_size"))
        teachers = settings.get("distillation", {}).get("teachers", "–")
        training = [
            groups.get("augmentation", "standard"),
            str(settings.get("loss", groups.get("loss", "bce_dice"))),
            ", ".join(_names(teachers)),
            str(_setting(settings, base, "trainer", "max_epochs")),
            str(_setting(settings, base, "data", "batch_size")),
            f"{_setting(settings, base, 'optimizer', 'lr'):g}",
        ]
        # An EMA that keeps all of its initial weights trains nothing.
        if settings.get("callbacks", {}).get("ema", {}).get("decay") == 1:
            training = ["–"] * len(training)
        sizes = f"{size or 'original'}" + (f", evaluated at {eval_size}" if eval_size else "")
        rows.append([f"`{name}`", str(stage["adds"]), sizes, *training])
    names = [
        "size, pixels",
        "augmentation",
        "loss",
        "teachers",
        "epochs>",
        "batch size>",
        "maximum learning rate>",
    ]
    return Table(["stage", "adds", *names], rows)


def _groups(defaults: Sequence[Any]) -> dict[str, str]:
    pairs = [item for entry in defaults if isinstance(entry, Mapping) for item in entry.items()]
    return {key.split("/")[-1]: str(value) for key, value in pairs}


def _setting(settings: Mapping[str, Any], base: Mapping[str, Any], group: str, key: str) -> Any:
    return settings.get(group, {}).get(key, base.get(group, {}).get(key))


def _names(teachers: Any) -> list[str]:
    listed = [teachers] if isinstance(teachers, str) else list(teachers)
    return [str(name).removeprefix("stage:") for name in listed]
