"""Builds the object that a config node describes; the only place that calls Hydra's instantiate."""

from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, ListConfig, OmegaConf

from humanseg.config.targets import require_permitted, with_current_targets
from humanseg.errors import HumansegError


def _cause(error: BaseException) -> BaseException:
    """Return the first error of a chain that Hydra wrapped."""
    while isinstance(error, InstantiationException) and error.__cause__ is not None:
        error = error.__cause__
    return error


def build(node: Any, **runtime: Any) -> Any:
    """Build what a config node describes: a mapping with a `_target_`, or a nest of such.

    Every `_target_` in it is checked before anything is imported. `runtime` are arguments that no
    config can hold (a net's parameters, a backbone): they reach the target as they are, uncopied.
    Without them, a node with ``_partial_: true`` gives the partial; with them, the partial is
    called at once.
    """
    if node is None:
        return None
    config = node if isinstance(node, DictConfig | ListConfig) else OmegaConf.create(node)
    key = config._get_full_key(None) or ""
    plain = OmegaConf.to_container(config, resolve=True)
    require_permitted(plain, key)
    # Hydra looks names up by itself: it gets those of today.
    config = OmegaConf.create(with_current_targets(plain))
    try:
        if not runtime:
            return instantiate(config, _convert_="all")
        # Hydra would copy runtime arguments into the config: a net's parameters must not be copied.
        target = instantiate(config, _partial_=True, _convert_="all")
        try:
            return target(**runtime)
        except Exception as error:
            # As Hydra does with what a target raises without runtime arguments.
            raise InstantiationException(str(error)) from error
    except InstantiationException as error:
        cause = _cause(error)
        if isinstance(cause, HumansegError | MemoryError):
            raise cause from error
        if "out of memory" in str(cause):
            raise cause from error
        name = config.get("_target_", "its target") if isinstance(config, DictConfig) else "it"
        reason = str(cause).rstrip(".")
        raise HumansegError(
            f"{key or 'A config node'}: {name} could not be built: {reason}. Change its values, "
            "or see the traceback with HUMANSEG_DEBUG=1."
        ) from error
