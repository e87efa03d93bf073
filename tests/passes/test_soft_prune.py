"""Soft movement pruning does what the program of its authors does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from passes.insert_masks import InsertMasks
from passes.prune import Prune
from passes.soft_prune import SoftPrune
from passes.soft_pruning import SoftPruning, threshold_mask
from sparsify.errors import Problem
from sparsify.plan import Moment
from sparsify.program import MASK, Program
from tests.sparsify.programs import Toy, ran

NAME = "inner.weight"


class Steps:
    """A run of nothing but its number of steps."""

    def __init__(self, student: Program, steps: int) -> None:
        self.student, self.steps, self.start = student, steps, 0


def soft(kind: Any = Toy, **options: Any) -> tuple[Program, SoftPruning]:
    found = ran(kind, InsertMasks(), SoftPrune.model_validate({"regularization": 100, **options}))
    (duty,) = found.plan.duties
    assert isinstance(duty, SoftPruning)
    return found, duty


def moment(step: int) -> Moment:
    rows = torch.arange(2)
    return Moment(step, rows, rows, {}, {})


def official_mask(scores: np.ndarray, threshold: float) -> np.ndarray:
    """The threshold binariser of the authors, with its floor of half a percent."""
    least = int(0.005 * scores.size) + 1
    kept = 1 / (1 + np.exp(-scores)) > threshold
    if kept.sum() < least:
        kept = scores > np.sort(scores, axis=None)[max(scores.size - least, 1) - 1]
    return np.asarray(kept)


@pytest.mark.parametrize("threshold", [0.001, 0.1, 0.5, 0.9, 0.999, 0.9999])
@pytest.mark.parametrize("size", [10, 400, 1000])
def test_a_mask_is_that_of_the_official_program(threshold: float, size: int) -> None:
    scores = 3 * torch.randn(size, 2, generator=torch.Generator().manual_seed(size))
    found = threshold_mask(scores, threshold, 0.005)
    assert np.array_equal(found.numpy() == 1, official_mask(scores.double().numpy(), threshold))


def official(step: int, total: int) -> tuple[float, float]:
    """Threshold and lambda of CAP-soft's QQP run to 90%, scaled to `total` steps."""
    warmup = 0.1 * total
    first, last, tau, strength = 2, 3, 0.1, 190.0
    if step <= first * warmup:
        threshold = 0.0
    elif step > total - last * warmup:
        threshold = tau
    else:
        left = 1 - (step - first * warmup) / (total - (last + first) * warmup)
        threshold = tau - tau * left**3
    return threshold, strength * threshold / tau


@pytest.mark.parametrize("step", [0, 100, 200, 201, 260, 350, 499, 699, 700, 999])
def test_threshold_and_lambda_are_those_of_the_official_program(step: int) -> None:
    found, duty = soft(regularization=190, warmup=0.2, cooldown=0.3, scores={"start": "zero"})
    duty.begin(Steps(found, 1000))  # type: ignore[arg-type]
    threshold, strength = official(step, 1000)
    loss = duty.loss(moment(step))
    # at zero sigmoid is one half
    assert (0.0 if loss is None else float(loss.detach())) == pytest.approx(strength / 2)
    scores = torch.linspace(-8, 0, 16).view(4, 4)
    duty.scores[NAME].data.copy_(scores)
    duty.before_step(Steps(found, 1000), step)  # type: ignore[arg-type]
    mask = found.masks()[NAME].detach().numpy() == 1
    expected = official_mask(scores.double().numpy(), threshold) if threshold else np.ones((4, 4))
    assert np.array_equal(mask, expected)


def test_scores_learn_from_the_mask_straight_through_and_from_the_regularisation() -> None:
    class Straight(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, weight: Tensor, scores: Tensor, mask: Tensor) -> Tensor:
            ctx.save_for_backward(weight, mask)
            return weight * mask

        @staticmethod
        def backward(ctx: Any, grad: Tensor) -> Any:
            weight, mask = ctx.saved_tensors
            return grad * mask, grad * weight, None

    found, duty = soft(warmup=0.0, cooldown=0.5, regularization=7.0)
    run: Any = Steps(found, 10)
    duty.begin(run)
    with torch.no_grad():
        duty.scores[NAME].copy_(torch.linspace(-4, 4, 16).view(4, 4))
    duty.before_step(run, 10)
    mask = found.tensor(f"{NAME}{MASK}")
    assert 0 < int((mask == 0).sum()) < 16
    found.module.eval()
    outputs = found.module(**found.inputs)
    loss = (outputs[0] if isinstance(outputs, tuple | list) else outputs).pow(2).sum()
    regularisation = duty.loss(moment(9))
    assert regularisation is not None
    (loss + regularisation).backward()
    duty.after_backward()

    scores = duty.scores[NAME].detach().clone().requires_grad_()
    weight = found.tensor(NAME).detach().clone().requires_grad_()
    state = nn.functional.embedding(found.inputs["input_ids"], found.tensor("words.weight"))
    masked = Straight.apply(weight, scores, mask.detach())
    state = torch.relu(nn.functional.linear(state, masked, found.tensor("inner.bias")))[:, 0]
    logits = nn.functional.linear(state, found.tensor("head.weight"), found.tensor("head.bias"))
    # the authors: the mean over matrices of the l1 norm of sigmoid(S), over its size
    norm = torch.norm(torch.sigmoid(scores), p=1) / scores.numel()
    (logits.pow(2).sum() + 7.0 * norm).backward()
    torch.testing.assert_close(duty.scores[NAME].grad, scores.grad)
    assert mask.grad is None


def test_a_stronger_regularisation_ends_sparser() -> None:
    sparsities = []
    for strength in (1.0, 300.0):
        found, duty = soft("bert", regularization=strength, warmup=0, cooldown=0.1)
        run: Any = Steps(found, 60)
        duty.begin(run)
        learned = duty.learned()
        assert learned is not None
        optimizer = torch.optim.AdamW(learned.tensors.values(), lr=0.3, weight_decay=0)
        for step in range(60):
            duty.before_step(run, step)
            optimizer.zero_grad()
            loss = duty.loss(moment(step))
            if loss is not None:
                # a pull of the task's own, towards keeping every second weight
                pull = sum(s.flatten()[::2].sigmoid().sum() for s in duty.scores.values())
                (loss - 0.01 * pull).backward()
                duty.after_backward()
                optimizer.step()
        duty.before_step(run, 60)
        sparsities.append(duty.facts()["sparsity_fraction"])
    assert sparsities[0] < sparsities[1]
    assert sparsities[1] > 0.4


def test_its_state_is_restored_and_it_says_what_it_does() -> None:
    found, duty = soft()
    run: Any = Steps(found, 10)
    with torch.no_grad():
        duty.scores[NAME].copy_(torch.linspace(-8, 8, 16).view(4, 4))
    duty.before_step(run, 10)
    assert duty.facts()["sparsity_fraction"] == 6 / 16
    _, other = soft()
    other.restore(run, duty.state(), 10)
    assert other.facts() == duty.facts()
    assert duty.promises() == [
        "dense for 10% of the steps, then cubic to zero where sigmoid(score) <= 0.1, 1 weights, "
        "lambda 100.0, as it is at the end for the last 25%"
    ]


def test_two_passes_on_one_weight_are_a_mistake() -> None:
    gradual = Prune.model_validate({"criterion": "movement", "sparsity": 0.5, "schedule": "cubic"})
    with pytest.raises(Problem) as caught:
        ran(Toy, InsertMasks(), gradual, SoftPrune(regularization=1))
    assert str(caught.value) == (
        "passes[2]: 'inner.weight' is pruned by an earlier pass while training; "
        "give the two passes targets that do not overlap"
    )


def test_no_step_to_prune_in_is_a_mistake() -> None:
    with pytest.raises(ValidationError) as caught:
        SoftPrune(regularization=1, warmup=0.5, cooldown=0.5)
    assert caught.value.errors()[0]["msg"] == (
        "Value error, `warmup` and `cooldown` together leave no step to prune in"
    )
