"""Every loss: its formula, its edges, its slopes, and the group that builds it."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import Tensor, nn
from torch.nn import functional as F

import humanseg.losses
from humanseg.config.checking.signatures import node_mistakes
from humanseg.errors import HumansegError
from humanseg.losses import (
    BCELoss,
    BoundaryLoss,
    DiceLoss,
    FocalLoss,
    FocalTverskyLoss,
    JaccardLoss,
    LovaszHingeLoss,
    SegmentationLoss,
    SoftTargetLoss,
    TverskyLoss,
    WeightedSum,
)

GROUP = sorted((Path(__file__).parents[2] / "conf" / "loss").glob("*.yaml"))
NAMES = [path.stem for path in GROUP]
SIZE = (2, 1, 24, 16)
DICE = {"_target_": "humanseg.losses.DiceLoss"}


def build(name: str) -> SegmentationLoss:
    path = next(path for path in GROUP if path.stem == name)
    loss = instantiate(OmegaConf.load(path))
    assert isinstance(loss, SegmentationLoss)
    return loss


def square() -> Tensor:
    target = torch.zeros(SIZE)
    target[0, 0, 4:16, 3:12] = 1
    target[1, 0, :, 8:] = 1
    return target


def noise(seed: int = 0, scale: float = 2.0) -> Tensor:
    return torch.randn(SIZE, generator=torch.Generator().manual_seed(seed)) * scale


def test_the_group_holds_every_loss() -> None:
    assert set(NAMES) >= {
        *("dice", "bce", "bce_dice", "focal", "tversky", "focal_tversky"),
        *("jaccard", "lovasz", "boundary", "bce_lovasz"),
    }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("truth", ["empty", "full", "square"])
@pytest.mark.parametrize("logits", ["zero", "noise", "low", "high", "right", "wrong"])
def test_value_and_slope_are_finite(name: str, dtype: torch.dtype, truth: str, logits: str) -> None:
    target = {"empty": torch.zeros(SIZE), "full": torch.ones(SIZE), "square": square()}[truth]
    sign = 2 * target - 1
    values = {
        "zero": torch.zeros(SIZE),
        "noise": noise(),
        "low": torch.full(SIZE, -1e4),
        "high": torch.full(SIZE, 1e4),
        "right": 1e4 * sign,
        "wrong": -1e4 * sign,
    }[logits]
    prediction = values.to(dtype).requires_grad_()
    loss = build(name)(prediction, target.to(torch.uint8))
    loss.backward()
    assert loss.shape == () and loss.dtype == torch.float32
    assert loss.isfinite() and prediction.grad is not None and prediction.grad.isfinite().all()
    assert loss >= 0


@pytest.mark.parametrize("name", NAMES)
def test_a_few_steps_on_the_logits_find_the_mask(name: str) -> None:
    target, loss = square(), build(name)
    logits = nn.Parameter(noise(1, 0.1))
    optimizer = torch.optim.Adam([logits], lr=0.3)
    before = loss(logits, target).item()
    for _ in range(60):
        optimizer.zero_grad()
        loss(logits, target).backward()
        optimizer.step()
    assert loss(logits, target).item() < 0.3 * before
    assert ((logits > 0) == target.bool()).float().mean() > 0.99


@pytest.mark.parametrize("name", NAMES)
def test_right_logits_cost_next_to_nothing_on_every_mask(name: str) -> None:
    for target in (square(), torch.zeros(SIZE), torch.ones(SIZE)):
        assert build(name)(50 * (2 * target - 1), target) < 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_computed_in_fp32_under_autocast(name: str) -> None:
    logits, target = noise().bfloat16(), square()
    expected = build(name)(logits.float(), target)
    with torch.autocast("cpu", torch.bfloat16):
        inside = build(name)(logits, target)
    assert inside.dtype == torch.float32
    assert torch.equal(inside, expected)


def test_a_loss_of_ones_own_is_computed_in_fp32_too() -> None:
    class Correlation(SegmentationLoss):
        def loss(self, logits: Tensor, target: Tensor) -> Tensor:
            # A product of matrices is what autocast would take down to bf16.
            assert logits.dtype == target.dtype == torch.float32
            product = logits.flatten(1) @ target.flatten(1).T
            assert product.dtype == torch.float32
            return product.mean()

    expected = Correlation()(noise(), square())
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(Correlation()(noise(), square()), expected)
    meta = Correlation()(noise().to("meta"), square().to("meta"))
    assert meta.shape == () and meta.dtype == torch.float32


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_is_the_mean_of_its_photos(name: str) -> None:
    logits, target, loss = noise(), square(), build(name)
    alone = [loss(logits[i : i + 1], target[i : i + 1]) for i in range(2)]
    torch.testing.assert_close(loss(logits, target), torch.stack(alone).mean())


@pytest.mark.parametrize("name", NAMES)
def test_any_dtype_of_the_target(name: str) -> None:
    logits, target, loss = noise(), square(), build(name)
    for dtype in (torch.bool, torch.uint8, torch.int64, torch.bfloat16):
        assert torch.equal(loss(logits, target.to(dtype)), loss(logits, target))


def test_shapes_that_would_broadcast_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        DiceLoss()(torch.zeros(2, 1, 8, 8), torch.zeros(2, 8, 8))
    with pytest.raises(ValueError, match="one shape"):
        DiceLoss()(torch.zeros(2, 2, 8, 8), torch.zeros(2, 2, 8, 8))


def test_dice_by_hand() -> None:
    target = torch.tensor([1.0, 1, 0, 0]).view(1, 1, 2, 2)
    logits = torch.tensor([0.9, 0.6, 0.3, 0.2]).logit().view(1, 1, 2, 2)
    # |P T| = 1.5, |P| = 2, |T| = 2
    assert DiceLoss(smooth=1)(logits, target).item() == pytest.approx(1 - 4 / 5)
    assert JaccardLoss(smooth=1)(logits, target).item() == pytest.approx(1 - 2.5 / 3.5)
    # TP 1.5, FP 0.5, FN 0.5
    tversky = TverskyLoss(alpha=0.2, beta=0.6, smooth=1)(logits, target).item()
    assert tversky == pytest.approx(1 - 2.5 / (1.5 + 0.1 + 0.3 + 1))
    focal = FocalTverskyLoss(alpha=0.2, beta=0.6, gamma=2, smooth=1)(logits, target).item()
    assert focal == pytest.approx(math.sqrt(tversky))


def test_dice_is_per_photo_not_pooled() -> None:
    target = torch.zeros(2, 1, 10, 10)
    target[0] = 1
    target[1, 0, 0, 0] = 1
    logits = torch.full_like(target, -50)
    logits[0] = 50
    # The first photo is right, the second misses its one pixel: 1 - (0 + s) / (1 + s).
    assert DiceLoss(smooth=1)(logits, target).item() == pytest.approx((0 + 0.5) / 2, abs=1e-6)


def test_missing_costs_more_than_adding_for_tversky() -> None:
    target = square()
    missed, added = target.clone(), target.clone()
    missed[0, 0, 4, 3:9] = 0
    added[0, 0, 3, 3:9] = 1
    loss = TverskyLoss()
    assert loss(100 * missed - 50, target) > loss(100 * added - 50, target)


def test_bce_is_torchs_and_smooths_and_weighs() -> None:
    logits, target = noise(), square()
    plain = F.binary_cross_entropy_with_logits(logits, target)
    assert torch.equal(BCELoss()(logits, target), plain)
    smooth = F.binary_cross_entropy_with_logits(logits, target * 0.9 + 0.05)
    torch.testing.assert_close(BCELoss(label_smoothing=0.1)(logits, target), smooth)
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    weighed = (entropy * torch.where(target == 1, 3.0, 1.0)).mean()
    torch.testing.assert_close(BCELoss(pos_weight=3)(logits, target), weighed)


def test_focal_by_its_equation() -> None:
    logits, target = noise(), square()
    p_t = torch.where(target == 1, logits.sigmoid(), 1 - logits.sigmoid())
    alpha = torch.where(target == 1, 0.25, 0.75)
    expected = (alpha * (1 - p_t) ** 2 * -p_t.log()).mean()
    torch.testing.assert_close(FocalLoss(gamma=2, alpha=0.25)(logits, target), expected)


def test_focal_has_a_finite_slope_with_a_small_gamma() -> None:
    target = square()
    logits = (1e4 * (2 * target - 1)).requires_grad_()
    FocalLoss(gamma=0.5)(logits, target).backward()
    assert logits.grad is not None and logits.grad.isfinite().all()


def test_lovasz_is_the_jaccard_distance_on_hard_predictions() -> None:
    # With every hinge error at 0 or 1 (logits of +-1 and 0), the extension equals the set function.
    target = square()[:1]
    logits = 2 * target - 1
    logits[0, 0, 4:8, 3:12] = 0  # 36 of 108 pixels missed
    assert LovaszHingeLoss()(logits, target).item() == pytest.approx(36 / 108, abs=1e-5)
    logits[0, 0, 0, :9] = 0  # and 9 added
    assert LovaszHingeLoss()(logits, target).item() == pytest.approx(45 / 117, abs=1e-5)


def test_boundary_loss_weighs_an_error_at_the_outline_more() -> None:
    target = torch.zeros(1, 1, 64, 64)
    target[..., 32:] = 1
    near, deep = target.clone(), target.clone()
    near[..., 20:30, 32] = 0
    deep[..., 20:30, 60] = 0
    loss = BoundaryLoss(weight=5, radius=5)
    outline, inside = loss(20 * near - 10, target), loss(20 * deep - 10, target)
    # The local mean of 11 columns at the first person's column is 6 / 11. The rest of the photo,
    # which is right, costs about 1e-3 of either.
    assert (outline / inside).item() == pytest.approx(1 + 5 * 5 / 11, rel=5e-3)


def test_boundary_loss_without_weight_is_bce() -> None:
    torch.testing.assert_close(
        BoundaryLoss(weight=0)(noise(), square()), BCELoss()(noise(), square())
    )


def test_a_soft_target_is_learnt_exactly() -> None:
    """Where soft Dice would push to 0 and 1, this loss is smallest at the target itself."""
    target = torch.rand(2, 1, 6, 5, generator=torch.Generator().manual_seed(0)) * 0.9 + 0.05
    logits = torch.zeros_like(target).requires_grad_()
    optimizer = torch.optim.Adam([logits], lr=0.05)
    for _ in range(400):
        optimizer.zero_grad()
        SoftTargetLoss()(logits, target).backward()
        optimizer.step()
    assert (logits.sigmoid() - target).abs().max() < 0.02


def test_on_a_mask_a_soft_target_costs_cross_entropy_and_dice() -> None:
    mask = torch.zeros(2, 1, 40, 40)
    mask[..., :20, :20] = 1
    logits = torch.randn(2, 1, 40, 40, generator=torch.Generator().manual_seed(0))
    expected = (BCELoss()(logits, mask) + DiceLoss()(logits, mask)) / 2
    assert SoftTargetLoss()(logits, mask).item() == pytest.approx(expected.item(), abs=1e-3)


def test_weighted_sum_adds_up_and_nests() -> None:
    logits, target = noise(), square()
    dice, bce = DiceLoss()(logits, target), BCELoss()(logits, target)
    both = WeightedSum([DiceLoss(), BCELoss()], [0.25, 2])
    torch.testing.assert_close(both(logits, target), 0.25 * dice + 2 * bce)
    nested = WeightedSum([both, DiceLoss()], [1, 1])
    torch.testing.assert_close(nested(logits, target), 1.25 * dice + 2 * bce)


def test_a_weighted_sum_has_a_weight_for_each_loss() -> None:
    with pytest.raises(HumansegError, match="1 and 2"):
        WeightedSum([DiceLoss()], [1, 2])


@pytest.mark.parametrize(
    ("name", "options", "key"),
    [
        ("WeightedSum", {"losses": [], "weights": []}, "losses"),
        ("WeightedSum", {"losses": [DICE], "weights": [-1]}, "weights"),
        ("WeightedSum", {"losses": [DICE], "weights": [math.nan]}, "weights"),
        ("BCELoss", {"label_smoothing": 1}, "label_smoothing"),
        ("BCELoss", {"pos_weight": 0}, "pos_weight"),
        ("DiceLoss", {"smooth": 0}, "smooth"),
        ("JaccardLoss", {"smooth": -1}, "smooth"),
        ("TverskyLoss", {"alpha": -1}, "alpha"),
        ("TverskyLoss", {"beta": math.inf}, "beta"),
        ("FocalTverskyLoss", {"gamma": 0}, "gamma"),
        ("FocalLoss", {"gamma": -1}, "gamma"),
        ("FocalLoss", {"alpha": 1}, "alpha"),
        ("BoundaryLoss", {"weight": -1}, "weight"),
        ("BoundaryLoss", {"radius": 0}, "radius"),
    ],
)
def test_an_option_out_of_range_is_named(name: str, options: dict[str, Any], key: str) -> None:
    (mistake,) = node_mistakes({"_target_": f"humanseg.losses.{name}", **options}, "loss")
    assert mistake.startswith(f"loss.{key}: ")
    built = options | ({"losses": [DiceLoss()]} if options.get("losses") else {})
    with pytest.raises(ValueError, match=rf"(?s){name}.*{key}"):
        getattr(humanseg.losses, name)(**built)
