import functools

import pytest
import torch
from omegaconf import OmegaConf

from humanseg.config.build import build
from humanseg.errors import HumansegError


def test_none_is_nothing_and_plain_values_stay_plain() -> None:
    assert build(None) is None
    built = build(OmegaConf.create({"a": [1, {"b": 2}]}))
    assert built == {"a": [1, {"b": 2}]} and type(built["a"]) is list


def test_arguments_reach_the_target_as_plain_python() -> None:
    node = OmegaConf.create({"_target_": "torch.optim.AdamW", "_partial_": True, "betas": [0.5, 1]})
    partial = build(node)
    assert isinstance(partial, functools.partial)
    assert type(partial.keywords["betas"]) is list


def test_runtime_arguments_are_not_copied() -> None:
    weight = torch.nn.Parameter(torch.zeros(3))
    node = {"_target_": "torch.optim.SGD", "_partial_": True, "lr": 0.5}
    optimizer = build(node, params=[{"params": [weight], "lr": 0.25}])
    assert optimizer.param_groups[0]["params"][0] is weight
    assert optimizer.param_groups[0]["lr"] == 0.25


def test_runtime_arguments_call_a_node_that_is_no_partial() -> None:
    assert build({"_target_": "torch.nn.Dropout"}, p=0.25).p == 0.25


def test_interpolations_to_the_whole_config_are_filled_in() -> None:
    config = OmegaConf.create({"p": 0.25, "x": {"_target_": "torch.nn.Dropout", "p": "${p}"}})
    assert build(config.x).p == 0.25


def test_what_a_target_says_reaches_the_person_with_the_key() -> None:
    config = OmegaConf.create({"loss": {"_target_": "torch.nn.Dropout", "p": 7}})
    with pytest.raises(HumansegError, match=r"^loss: torch.nn.Dropout .*between 0 and 1.*7"):
        build(config.loss)


def test_an_error_for_a_person_passes_unchanged() -> None:
    node = {"_target_": "humanseg.models.TimmBackbone", "name": "no_such_net"}
    with pytest.raises(HumansegError) as caught:
        build(node)
    assert "no_such_net" in str(caught.value)
    assert "could not be built" not in str(caught.value)


def test_what_a_target_says_of_a_runtime_argument_reaches_the_person_too() -> None:
    node = {"_target_": "torch.optim.SGD", "_partial_": True, "lr": -1.0}
    with pytest.raises(HumansegError, match=r"torch.optim.SGD could not be built: Invalid.*-1"):
        build(node, params=[torch.nn.Parameter(torch.zeros(1))])


@pytest.mark.parametrize("error", [MemoryError(), HumansegError("mine")])
def test_some_errors_of_a_target_pass_unchanged(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(torch.nn.Dropout, "__init__", fail)
    with pytest.raises(type(error)) as caught:
        build({"_target_": "torch.nn.Dropout"}, p=0.5)
    assert caught.value is error


def test_a_class_that_moved_is_built_from_where_it_is() -> None:
    from humanseg.data.transforms.augmentation import Augmentation

    old = {"_target_": "humanseg.data.augmentation.Augmentation", "transforms": []}
    assert isinstance(build(old), Augmentation)
