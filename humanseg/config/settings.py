"""Each setting of `humanseg train`, declared once; everything else reads it here.

The settings of conf/train.yaml are declared here. Those of a group are the parameters of what its
`_target_` names, with their types and ranges; here stands only what a signature cannot say.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from annotated_types import Interval, MinLen

from humanseg.config.ranges import Count, NotNegative, Seed, Share, Side, Text, Whole

Kind = Literal["result", "repeat", "data", "place", "machine"]
"""The effect of a setting. `result`: the trained model. `repeat`: which of several equal runs.
`data`: which photos, told apart by what they show. `place`: where the results are. `machine`: how
fast it goes and what is logged; of the result no more than its rounding."""

OnResume = Literal["keep", "change", "verify"]
"""Whether a resumed run takes another value. `verify`: another path, if what is there is what the
run began with."""

REQUIRED = "required"
"""The `init_from` of an experiment that is a later step: a person has to give it."""
NO_PATHS = ("", "none", "pretrained")
"""Values of paths that are none."""


@dataclass(frozen=True)
class Setting:
    """One setting, or a group with all that is below it.

    Attributes
    ----------
    key
        Its full key.
    help
        A sentence for a person.
    annotation
        Type and range; None: those of the parameter that it is passed to.
    kind
        What it decides; None: what the group decides, or else the result.
    on_resume
        Whether a resumed run takes another value; None: as the group, or else not.
    path
        `source`: what a run is made from, absolute in `config.yaml`. `model`: the same, or the
        name of a bundled model. `own`: a part of where the run itself is. All are texts,
        whatever they look like.
    """

    key: str
    help: str
    annotation: Any = None
    kind: Kind | None = None
    on_resume: OnResume | None = None
    path: Literal["source", "model", "own"] | None = None

    @property
    def takes_list(self) -> bool:
        """Whether several paths may be given."""
        return list[Text] in get_args(self.annotation)


_PATHS = Text | list[Text] | None

SETTINGS = (
    Setting("seed", "All randomness follows from it, the epoch and the photo's id.",
            Seed, kind="repeat"),
    Setting("threshold", "The confidence threshold: a pixel above it is person; tune takes the "
            "best one on valid.",
            Annotated[float, Interval(gt=0, lt=1)] | Literal["tune"]),
    Setting("tta", "Average predictions with those of the mirrored photo.", bool),
    Setting("eval_size", "The longer side, in pixels, at which the model predicts, or a list of "
            "some, whose logits are averaged; null: data.train_size.",
            Side | Annotated[list[Side], MinLen(1)] | None),
    Setting("eval_mirrored", "Whether the model predicts on the mirrored photo, or a list with a "
            "value for each eval_size.",
            bool | Annotated[list[bool], MinLen(1)]),
    Setting("auxiliary_weight", "Weight of the loss of each auxiliary head, in models that have "
            "some.",
            NotNegative),
    Setting("distillation.teachers", "The teacher: a finished run, a checkpoint, an export, or "
            "the name of a bundled model; or a list of teachers, whose probabilities are averaged.",
            _PATHS, on_resume="verify", path="model"),
    Setting("distillation.weight", "Weight of the soft labels in the loss; the masks have the "
            "rest.",
            Share),
    Setting("distillation.unlabelled_dir", "A folder of unlabelled photos to train on, with the "
            "teachers' soft labels.",
            Text | None, on_resume="verify", path="source"),
    Setting("distillation.min_confidence", "From 0 to 1: unlabelled photos with a lower "
            "confidence of the teachers are left out.",
            Share),
    Setting("distillation.extra", "Soft labels for the photos of data.extra too; false: those are "
            "trained on with their masks alone, for a teacher that does not know their sources.",
            bool),
    Setting("runs_dir", "The folder of runs and sweeps.", Text, kind="place", path="own"),
    Setting("name", "The folder of a run, or of a recipe, in runs_dir; null: made of model, "
            "backbone and time, or the recipe's name.",
            Text | None, kind="place", path="own"),
    Setting("run_dir", "The run's folder itself, in place of runs_dir and name.",
            Text | None, kind="place", path="own"),
    Setting("sweep", "The sweep's folder in runs_dir, with a folder for each job; null: made of "
            "its overrides, so the same command resumes it.",
            Text | None, kind="place", path="own"),
    Setting("restart", "Rename the old folder of a sweep and start again; of a recipe, the stages "
            "whose settings have changed and those that depend on them.",
            bool, kind="place"),
    Setting("stage", "Which stage of a recipe this is, such as best/finetune; the recipe sets it.",
            Text | None, kind="place"),
    Setting("trial", "Which trial of a search this is; the search sets it.",
            Whole | None, kind="place"),
    Setting("resume", "The folder of a run to resume.", Text | None, kind="place", path="own"),
    Setting("init_from", "A bundled model, the folder of a run or of an export, or a checkpoint: "
            "start from its weights. A list of runs or checkpoints: from the mean of their "
            "weights; one that is named twice counts twice. none: from random weights, in an "
            "experiment that names others.",
            _PATHS, path="model"),
    Setting("save_onnx", "Write the best checkpoint as model.onnx too, which predict and load use "
            "without torch.",
            bool, kind="machine", on_resume="change"),
    Setting("channels_last", "Whether a pixel's channels are adjacent in memory; null: the "
            "fastest on this machine.",
            bool | None, kind="machine", on_resume="change"),
    Setting("threads", "Threads of the training; null: chosen for this machine.",
            Annotated[int, Interval(ge=1, le=1024)] | None, kind="machine", on_resume="change"),
    Setting("data.root", "The folder of the photos.",
            kind="data", on_resume="verify", path="source"),
    Setting("data.extra_root", "The folder that those of data.extra and data.extra_valid are "
            "relative to; null: data.root.",
            kind="data", on_resume="verify", path="source"),
    Setting("data.extra_valid", "Labelled photos of further sources: with them, the mean over "
            "sources chooses the checkpoint."),
    Setting("data.batch_size", "Photos in a batch.", on_resume="change"),
    Setting("data.workers", "Processes that prepare batches.", kind="machine", on_resume="change"),
    Setting("data.cache", "Where decoded photos are kept.", kind="machine", on_resume="change"),
    Setting("data.cache_gb", "Gigabytes of the cache.", kind="machine", on_resume="change"),
    Setting("data.fold", "The fold of train that validates; null: valid validates."),
    Setting("data.folds", "The number of folds that train is split into, with data.fold."),
    Setting("data.extra", "Labelled photos of further sources to train on, with a weight each."),
    Setting("data.person_values", "Values of a mask that are the person; []: the brighter of two."),
    Setting("data.invert_masks", "Whether the darker of two values is the person."),
    Setting("backbone.weights", "none, pretrained, or a file of weights.", path="source"),
    Setting("callbacks.early_stopping", "Stop when the score of the checkpoints no longer rises.",
            on_resume="change"),
    Setting("callbacks.early_stopping.patience", "Epochs without a better score before it stops.",
            Whole),
    Setting("callbacks.early_stopping.min_delta", "The smallest improvement that counts.",
            NotNegative),
    Setting("callbacks.early_stopping.monitor", "The score; val/selection chooses the checkpoint."),
    Setting("callbacks.early_stopping.mode", "Whether higher (max) or lower (min) is better."),
    Setting("logger", "The loggers of a run.", kind="machine", on_resume="change"),
    Setting("trainer", "Length and device of the training.", on_resume="change"),
    Setting("trainer.max_epochs", "Epochs of the training; -1: as many as the steps take.",
            Count | Literal[-1] | None),
    Setting("trainer.max_steps", "Steps of the optimizer; -1: as many as the epochs take.",
            Count | Literal[-1]),
    Setting("trainer.accumulate_grad_batches", "Batches that make one step, a mean of them; the "
            "last step of an epoch may have fewer.", Count),
    Setting("trainer.gradient_clip_val", "The largest norm of the gradient; null: any.",
            NotNegative | None),
    Setting("trainer.devices", "How many devices, or which; auto: all."),
    Setting("trainer.precision", "auto: bf16 or 16 bits where the device is fast in it, or fp32."),
    Setting("trainer.deterministic", "Whether to repeat results exactly, which is slower."),
    Setting("trainer.accelerator", "cpu, gpu, mps, or auto.", kind="machine"),
    Setting("trainer.enable_progress_bar", "Whether progress is shown.", kind="machine"),
    Setting("trainer.log_every_n_steps", "Set by humanseg itself.", kind="machine"),
    Setting("hydra", "Hydra's own settings.", kind="place"),
)  # fmt: skip
"""Settings of conf/train.yaml, and facts on groups that signatures do not state."""

PLAIN_GROUPS = ("distillation",)
"""Groups whose settings are declared here, since no `_target_` takes them."""

BY_KEY = {setting.key: setting for setting in SETTINGS}


def top_level() -> dict[str, Setting]:
    """Return the settings beside the groups in conf/train.yaml."""
    return {
        key: setting
        for key, setting in BY_KEY.items()
        if "." not in key and setting.annotation is not None
    }


def plain_groups() -> dict[str, list[str]]:
    """Return the groups that are no object, with the names of their settings."""
    return {
        group: [key.partition(".")[2] for key in BY_KEY if key.startswith(f"{group}.")]
        for group in PLAIN_GROUPS
    }


def kind_of(key: str) -> Kind:
    """Return the effect of the setting at a full key."""
    return next((setting.kind for setting in _declared(key) if setting.kind is not None), "result")


def on_resume(key: str) -> OnResume:
    """Return whether a resumed run takes another value of the setting at a full key."""
    return next(
        (setting.on_resume for setting in _declared(key) if setting.on_resume is not None), "keep"
    )


def is_result(key: str) -> bool:
    """Return whether a setting is part of what a run is, and so compared between runs."""
    return kind_of(key) == "result"


def is_incidental(key: str) -> bool:
    """Return whether a job stays the same job when this setting is another."""
    return kind_of(key) in ("place", "machine")


def source_paths() -> dict[str, bool]:
    """Return the keys of the paths that runs are made from, and whether a model's name will do."""
    return {
        setting.key: setting.path == "model"
        for setting in SETTINGS
        if setting.path in ("source", "model")
    }


def _declared(key: str) -> Iterator[Setting]:
    """Yield what is declared of a key, of the group that it is in, and so on."""
    while key:
        if key in BY_KEY:
            yield BY_KEY[key]
        key = key.rpartition(".")[0]
