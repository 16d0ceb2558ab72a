import pytest
import torch
from hydra import compose, initialize_config_dir
from torch import nn

from humanseg.config.checking.check import find_mistakes
from humanseg.config.find import conf_folder
from humanseg.models import PlainBackbone, PSPNet, UNet, build_segmenter
from humanseg.models.segmenter import Segmenter
from humanseg.training.optimizers import SGD, Adam, AdamW, OptimizerRecipe, parameter_groups

RECIPES = [AdamW, Adam, SGD]


@pytest.fixture(params=[UNet, PSPNet])
def segmenter(request: pytest.FixtureRequest) -> Segmenter:
    return build_segmenter(request.param, PlainBackbone([4, 8, 8]))


def groups_of(optimizer: torch.optim.Optimizer) -> dict[str, dict]:
    return {group["name"]: group for group in optimizer.param_groups}


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_parameter_is_optimized_once(
    segmenter: Segmenter, recipe: type[OptimizerRecipe]
) -> None:
    taken = [id(each) for group in recipe()(segmenter).param_groups for each in group["params"]]
    assert len(taken) == len(set(taken))
    assert set(taken) == {id(parameter) for parameter in segmenter.parameters()}


@pytest.mark.parametrize("recipe", RECIPES)
def test_norms_and_biases_do_not_decay(segmenter: Segmenter, recipe: type[OptimizerRecipe]) -> None:
    optimizer = recipe(weight_decay=0.3)(segmenter)
    decays = {
        id(each): group["weight_decay"]
        for group in optimizer.param_groups
        for each in group["params"]
    }
    found = set()
    for module in segmenter.modules():
        for name, parameter in module.named_parameters(recurse=False):
            free = isinstance(module, nn.BatchNorm2d) or name == "bias"
            assert decays[id(parameter)] == (0 if free else 0.3), (module, name)
            found.add(free)
    assert found == {True, False}


def test_the_backbone_learns_at_its_share_of_the_rate(segmenter: Segmenter) -> None:
    groups = groups_of(AdamW(lr=0.02, backbone_lr_factor=0.1)(segmenter))
    assert set(groups) == {
        "backbone weights",
        "backbone norms",
        "decoder weights",
        "decoder norms",
    }
    backbone = {id(parameter) for parameter in segmenter.net.backbone.parameters()}  # type: ignore[union-attr]
    for name, group in groups.items():
        inside = name.startswith("backbone")
        assert group["lr"] == pytest.approx(0.002 if inside else 0.02)
        assert all((id(parameter) in backbone) == inside for parameter in group["params"])


def test_frozen_parameters_are_left_alone(segmenter: Segmenter) -> None:
    for parameter in segmenter.net.backbone.parameters():  # type: ignore[union-attr]
        parameter.requires_grad = False
    assert set(groups_of(AdamW()(segmenter))) == {"decoder weights", "decoder norms"}


def test_a_name_that_only_contains_the_word_is_no_backbone() -> None:
    model = nn.ModuleDict({"backbone_neck": nn.Linear(2, 2)})
    names = {group["name"] for group in parameter_groups(model, AdamW())}
    assert names == {"decoder weights", "decoder norms"}


@pytest.mark.parametrize(
    ("recipe", "made"),
    [(AdamW, torch.optim.AdamW), (Adam, torch.optim.Adam), (SGD, torch.optim.SGD)],
)
def test_each_recipe_makes_its_optimizer(
    segmenter: Segmenter, recipe: type[OptimizerRecipe], made: type[torch.optim.Optimizer]
) -> None:
    optimizer = recipe()(segmenter)
    assert type(optimizer) is made
    if recipe is SGD:
        assert all(group["nesterov"] for group in optimizer.param_groups)
    else:
        betas = recipe(betas=[0.8, 0.9])(segmenter).param_groups[0]["betas"]  # type: ignore[call-arg]
        assert tuple(betas) == (0.8, 0.9)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_step_lowers_the_loss(recipe: type[OptimizerRecipe]) -> None:
    torch.manual_seed(0)
    segmenter = build_segmenter(UNet, PlainBackbone([4, 8]))
    optimizer = recipe(lr=0.01)(segmenter)
    image = torch.randint(0, 256, (2, 3, 16, 16), dtype=torch.uint8)
    losses = []
    for _ in range(5):
        logits = segmenter(image)
        assert isinstance(logits, torch.Tensor)
        loss = logits.square().mean() + (logits - 1).square().mean()
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("group", "option", "says"),
    [
        ("adamw", "lr=0", "optimizer.lr: 0 is not a number above 0"),
        ("adam", "weight_decay=-0.1", "optimizer.weight_decay: -0.1 is not a number of at least 0"),
        ("sgd", "backbone_lr_factor=-1", "optimizer.backbone_lr_factor: -1 is not"),
        ("adamw", "lr=inf", "optimizer.lr: inf is not"),
        ("adamw", "betas=[0.9,1.0]", "optimizer.betas: [0.9, 1.0] is not a list of 2"),
        ("sgd", "momentum=1.0", "optimizer.momentum: 1.0 is not a number of at least 0 and below"),
    ],
)
def test_an_impossible_option_is_named(group: str, option: str, says: str) -> None:
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        config = compose("train", [f"optimizer={group}", f"optimizer.{option}"])
    (mistake,) = find_mistakes(config)
    assert mistake.startswith(says)


def test_an_optimizer_without_decay_keeps_its_groups(segmenter: Segmenter) -> None:
    """A checkpoint knows them by their number."""
    assert len(Adam()(segmenter).param_groups) == len(AdamW()(segmenter).param_groups) == 4


def test_sgd_works_without_momentum(segmenter: Segmenter) -> None:
    assert all(group["momentum"] == 0 for group in SGD(momentum=0)(segmenter).param_groups)
