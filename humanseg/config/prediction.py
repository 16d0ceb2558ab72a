"""At which sizes a model predicts, and on which of them the mirrored photo."""

from collections.abc import Sequence

from omegaconf import DictConfig

from humanseg.errors import HumansegError, plural


def prediction_sizes(config: DictConfig) -> list[int]:
    """Return the longer sides at which a config's model predicts; none: at the photos' own.

    Training samples have `data.train_size` in any case. A net may do better at another size than
    that (Touvron et al. 2019, https://arxiv.org/abs/1906.06423).
    """
    sizes = config.get("eval_size") or config.data.get("train_size") or []
    return [int(size) for size in ([sizes] if isinstance(sizes, int) else sizes)]


def mirrored_predictions(config: DictConfig) -> list[bool]:
    """Return for each of the sizes of a prediction whether it is one of the mirrored photo.

    Raises
    ------
    HumansegError
        `eval_mirrored` has another number of values, or there are no such sizes.
    """
    value: bool | Sequence[bool] = config.get("eval_mirrored", False)
    sizes = len(prediction_sizes(config))
    if value and not sizes:
        raise HumansegError(
            "eval_mirrored needs the sizes at which the model predicts, and there are none: set "
            "eval_size or data.train_size.",
            code="models.eval_mirrored",
        )
    values = [value] * sizes if isinstance(value, bool) else list(value)
    if len(values) != sizes:
        raise HumansegError(
            f"eval_mirrored has {plural(len(values), 'value')}, and the model predicts at "
            f"{plural(sizes, 'size')}: give a list with one value for each size, or true or false "
            "for all.",
            code="models.eval_mirrored",
        )
    return values
