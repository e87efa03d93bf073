"""Pruning: exact counts at once, exact schedules over time, scores with the right gradient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from passes.gradual_pruning import GradualPruning
from passes.insert_masks import InsertMasks
from passes.prune import Prune, Scores
from sparsify.errors import Problem
from sparsify.pipeline import Report, apply
from sparsify.program import MASK, Program
from tests.sparsify.programs import Toy, ran

BOTH = ["body", "pooler", "head"]


def prune(**options: Any) -> Prune:
    return Prune.model_validate({"criterion": "magnitude", "sparsity": 0.9, **options})


def zeros(masks: Mapping[str, Tensor]) -> int:
    return sum(int((mask == 0).sum()) for mask in masks.values())


class Steps:
    """A run of nothing but its number of steps."""

    def __init__(self, student: Program, steps: int) -> None:
        self.student, self.steps, self.start = student, steps, 0


def gradual(**options: Any) -> tuple[Program, GradualPruning]:
    found = ran("bert", InsertMasks(), prune(schedule="cubic", **options))
    (duty,) = found.plan.duties
    assert isinstance(duty, GradualPruning)
    return found, duty


@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.333, 0.5, 0.9, 0.999, 1.0])
def test_every_weight_reaches_the_sparsity_exactly(sparsity: float) -> None:
    found = ran("bert", InsertMasks(), prune(sparsity=sparsity))
    for name, mask in found.masks().items():
        weight = found.tensor(name).detach().abs()
        assert int((mask == 0).sum()) == round(sparsity * mask.numel())
        if 0 < sparsity < 1:
            assert weight[mask == 0].max() <= weight[mask == 1].min()


@pytest.mark.parametrize("sparsity", [0.1, 0.5, 0.9])
def test_all_weights_together_reach_the_sparsity_exactly(sparsity: float) -> None:
    found = ran("bert", InsertMasks(targets=BOTH), prune(sparsity=sparsity, scope="global"))
    masks = found.masks()
    total = sum(mask.numel() for mask in masks.values())
    assert zeros(masks) == round(sparsity * total)
    weights = {name: found.tensor(name).detach().abs() for name in masks}
    gone = max(float(weights[n][m == 0].max()) for n, m in masks.items() if (m == 0).any())
    kept = min(float(weights[n][m == 1].min()) for n, m in masks.items() if (m == 1).any())
    assert gone <= kept


def test_the_report_counts_and_explains() -> None:
    found = ran("bert", InsertMasks(targets=BOTH))
    (step,) = apply([prune(sparsity=0.5, targets=["body"])], found)
    assert step.report.facts == {"sparsity_fraction": 0.5}
    assert set(step.report.did.values()) == {"512 of 1,024 zero", "1,024 of 2,048 zero"}
    assert step.report.left == {
        "bert.pooler.dense.weight": "no target",
        "classifier.weight": "no target",
    }


def test_a_pruned_weight_may_return() -> None:
    found = ran(Toy, InsertMasks(), prune(sparsity=0.5))
    mask = found.masks()["inner.weight"]
    gone = mask == 0
    with torch.no_grad():
        found.tensor("inner.weight")[gone] += 10
    apply([prune(sparsity=0.5)], found)
    assert torch.equal(mask == 1, gone)


@pytest.mark.parametrize("criterion", ["magnitude", {"random": {"seed": 1}}])
def test_without_regrowth_what_is_zero_stays_zero(criterion: Any) -> None:
    found, duty = gradual(criterion=criterion, sparsity=0.9, regrow=False, every=1)
    run: Any = Steps(found, 20)
    random = torch.Generator().manual_seed(0)
    last = {name: mask.clone() for name, mask in found.masks().items()}
    for step in range(21):
        duty.before_step(run, step)
        for name, mask in found.masks().items():
            assert bool((mask <= last[name]).all())
            assert zeros({name: mask}) == round(duty.planned(step, 20) * mask.numel())
            last[name] = mask.clone()
            with torch.no_grad():
                weight = found.tensor(name)
                weight.copy_(torch.randn(weight.shape, generator=random))
    found.plan.duties.clear()
    apply([prune(sparsity=0.5, regrow=False)], found)
    assert all(torch.equal(mask, last[name]) for name, mask in found.masks().items())


def test_a_hundred_updates_are_those_of_sparsebert() -> None:
    """s_f (1 - (1 - k / n)^3) at step k * frequency; arXiv:2104.08682 and its program."""
    found, duty = gradual(sparsity=0.95, warmup=0.0, cooldown=0.0, updates=100, regrow=False)
    run: Any = Steps(found, 700)
    size = sum(mask.numel() for mask in found.masks().values())
    changed = []
    for step in range(701):
        before = zeros(found.masks())
        duty.before_step(run, step)
        if zeros(found.masks()) != before:
            changed.append(step)
        if step % 70 == 0:
            expected = 0.95 * (1 - (1 - (step // 7) / 100) ** 3)
            assert zeros(found.masks()) / size == pytest.approx(expected, abs=1e-3)
    assert {step % 7 for step in changed} == {0}
    assert len(changed) > 90


def test_a_gradual_pass_zeroes_nothing_now_and_tells_what_it_will() -> None:
    found, duty = gradual(sparsity=0.9, criterion="movement")
    assert zeros(found.masks()) == 0
    assert duty.covers == tuple(found.masks())
    assert duty.promises() == [
        "dense for 10% of the steps, then cubic to 90.0% zero by movement, 12 weights, "
        "at the final sparsity for the last 25%"
    ]
    duty.rehearse()
    assert zeros(found.masks()) == round(0.9 * 1024) * 8 + round(0.9 * 2048) * 4


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("linear", [0, 0, 0, 0.1, 0.2, 0.4, 0.6, 0.8, 0.8, 0.8]),
        ("cubic", [0, 0, 0, 0.2640625, 0.4625, 0.7, 0.7875, 0.8, 0.8, 0.8]),
    ],
)
def test_the_sparsity_planned_at_every_step(schedule: str, expected: list[float]) -> None:
    found = ran("bert", InsertMasks())
    options = {"schedule": schedule, "sparsity": 0.8, "warmup": 0.2, "cooldown": 0.4}
    duty = GradualPruning(prune(**options), found, [])
    steps = [0, 10, 20, 25, 30, 40, 50, 60, 80, 100]
    assert [duty.planned(step, 100) for step in steps] == pytest.approx(expected)


@pytest.mark.parametrize(("steps", "every"), [(50, 8), (7, 8), (1, 1), (33, 1), (40, 100)])
def test_training_ends_at_the_sparsity_whatever_its_length(steps: int, every: int) -> None:
    found, duty = gradual(sparsity=0.9, every=every)
    run: Any = Steps(found, steps)
    duty.begin(run)
    seen = []
    for step in range(steps + 1):
        duty.before_step(run, step)
        seen.append(zeros(found.masks()))
    assert seen == sorted(seen)
    assert seen[-1] == round(0.9 * 1024) * 8 + round(0.9 * 2048) * 4
    assert duty.facts() == {"sparsity_fraction": 0.9}


def test_masks_are_written_every_so_many_steps_after_the_warm_up() -> None:
    found, duty = gradual(sparsity=0.8, every=10, warmup=0.25, cooldown=0.25)
    run: Any = Steps(found, 100)
    changed, last = [], 0
    for step in range(101):
        duty.before_step(run, step)
        if zeros(found.masks()) != last:
            changed.append(step)
            last = zeros(found.masks())
    assert changed == [35, 45, 55, 65, 75]


def test_the_gradient_of_a_score_is_that_of_a_straight_through_mask() -> None:
    class Straight(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, weight: Tensor, scores: Tensor, mask: Tensor) -> Tensor:
            ctx.save_for_backward(weight, mask)
            return weight * mask

        @staticmethod
        def backward(ctx: Any, grad: Tensor) -> Any:
            weight, mask = ctx.saved_tensors
            return grad * mask, grad * weight, None

    found = ran(Toy, InsertMasks(), prune(criterion="movement", schedule="linear"))
    (duty,) = found.plan.duties
    assert isinstance(duty, GradualPruning)
    duty.begin(Steps(found, 10))  # type: ignore[arg-type]
    mask = found.tensor(f"inner.weight{MASK}")
    with torch.no_grad():
        mask.copy_((torch.arange(16).view(4, 4) % 3 > 0).float())
    found.module.eval()
    outputs = found.module(**found.inputs)
    (outputs[0] if isinstance(outputs, tuple | list) else outputs).pow(2).sum().backward()
    duty.after_backward()
    score = duty.scores["inner.weight"]
    assert mask.grad is None

    weight = found.tensor("inner.weight")
    expected_scores = score.detach().clone().requires_grad_()
    own = weight.detach().clone().requires_grad_()
    state = nn.functional.embedding(found.inputs["input_ids"], found.tensor("words.weight"))
    masked = Straight.apply(own, expected_scores, mask.detach())
    state = torch.relu(nn.functional.linear(state, masked, found.tensor("inner.bias")))[:, 0]
    logits = nn.functional.linear(state, found.tensor("head.weight"), found.tensor("head.bias"))
    logits.pow(2).sum().backward()
    torch.testing.assert_close(score.grad, expected_scores.grad)
    torch.testing.assert_close(weight.grad, own.grad)
    assert score.grad is not None
    assert score.grad[mask == 0].any()


def test_scores_start_at_the_normalised_magnitude_or_at_zero() -> None:
    found, duty = gradual(criterion="movement")
    for name, score in duty.scores.items():
        weight = found.tensor(name).detach()
        torch.testing.assert_close(score.detach(), weight.abs() / weight.std())
    learned = duty.learned()
    assert learned is not None
    assert learned.learning_rate == 1e-2
    _, other = gradual(criterion="movement", scores=Scores(start="zero", learning_rate=0.5))
    assert all(not score.any() for score in other.scores.values())
    learned = other.learned()
    assert learned is not None
    assert learned.learning_rate == 0.5


def test_magnitude_learns_nothing() -> None:
    found, duty = gradual()
    duty.begin(Steps(found, 10))  # type: ignore[arg-type]
    assert duty.learned() is None
    assert not any(mask.requires_grad for mask in found.masks().values())


def test_its_state_is_restored() -> None:
    found, duty = gradual()
    run: Any = Steps(found, 20)
    for step in range(12):
        duty.before_step(run, step)
    state = duty.state()
    _, other = gradual()
    other.restore(run, state, 10)
    assert other.facts() == duty.facts()
    assert 0 < other.sparsity < 0.9


QUERY = "bert.encoder.layer.0.attention.self.query.weight"
CUBIC = {"schedule": "cubic"}


@pytest.mark.parametrize(
    ("passes", "said"),
    [
        ([prune()], "passes[0]: no weight has a mask; put `insert-masks` before it"),
        ([InsertMasks(), prune(criterion="movement")],
         "passes[1]: movement learns its scores while training; "
         "give it a schedule such as `cubic`, or use `magnitude`"),
        ([InsertMasks(), prune(**CUBIC), prune(**CUBIC, targets=["*.query.weight"])],
         f"passes[2]: '{QUERY}' is pruned by an earlier pass while training; "
         "give the two passes targets that do not overlap"),
        ([InsertMasks(), prune(**CUBIC), prune()],
         f"passes[2]: '{QUERY}' is pruned by an earlier pass while training; "
         "give the two passes targets that do not overlap"),
        ([InsertMasks(), prune(targets=["head"])],
         "passes[1]: targets: 'head' matches no parameter; the roles here are attention, ffn; "
         f"a name is '{QUERY}'"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence(passes: list[Any], said: str) -> None:
    with pytest.raises(Problem) as caught:
        ran("bert", *passes)
    assert str(caught.value) == said


def test_two_gradual_passes_on_different_weights_agree() -> None:
    found = ran("bert", InsertMasks(targets=BOTH), prune(**CUBIC, targets=["body"]),
                prune(**CUBIC, targets=["head"], sparsity=0.5))  # fmt: skip
    assert len(found.plan.duties) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"warmup": 0.5, "cooldown": 0.5},
         "Value error, `warmup` and `cooldown` together leave no step to prune in"),
        ({"sparsity": 1.1}, "Input should be less than or equal to 1"),
        ({"every": 0}, "Input should be greater than 0"),
        ({"scope": "layer"},
         "Input should be 'weight', 'row', 'global', 'normalised', 'lamp' or 'erk'"),
        ({"scores": {"learning_rate": 0}}, "Input should be greater than 0"),
        ({"criterion": "magnitud"}, "no criterion named 'magnitud'"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        prune(**options)
    assert caught.value.errors()[0]["msg"] == said


def test_a_report_of_a_plan_says_what_is_planned() -> None:
    found = ran("bert", InsertMasks())
    report: Report = prune(**CUBIC, sparsity=0.8).run(found)
    assert report.facts == {"planned_sparsity_fraction": 0.8}
    assert set(report.did.values()) == {"80.0% by training, magnitude, cubic"}
