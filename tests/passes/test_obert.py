"""The pass prunes by curvature, corrects what stays, and the loss rises less."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from passes.insert_masks import InsertMasks
from passes.obert import Obert
from passes.optimal_brain import BlockFisher
from passes.prune import Prune
from sparsify.errors import Problem
from sparsify.pipeline import apply
from sparsify.program import Program
from sparsify.statistics import gradients
from tests.sparsify.programs import calibrated, ran

NAME = "bert.encoder.layer.0.attention.self.query.weight"


def obert(**options: Any) -> Obert:
    return Obert.model_validate({"sparsity": 0.5, "damping": 1e-4, **options})


def pruned(*passes: Any) -> Program:
    found = calibrated(ran("bert", InsertMasks()), count=16, batch=8)
    apply(passes, found)
    return found


def zeros(found: Program) -> dict[str, int]:
    return {name: int((mask == 0).sum()) for name, mask in found.masks().items()}


def test_the_sparsity_is_reached_by_each_weight_or_by_all_together() -> None:
    each, all_together = pruned(obert(scope="weight")), pruned(obert(scope="global"))
    sizes = {name: mask.numel() for name, mask in each.masks().items()}
    assert zeros(each) == {name: size // 2 for name, size in sizes.items()}
    assert sum(zeros(all_together).values()) == sum(sizes.values()) // 2
    assert zeros(all_together) != zeros(each)
    for found in (each, all_together):
        for name, mask in found.masks().items():
            assert torch.equal(found.tensor(name) == 0, mask == 0)


def test_weights_are_those_of_the_formula_at_the_dense_model() -> None:
    found, dense = pruned(obert(block=7)), pruned()
    fisher = BlockFisher(dense.tensor(NAME), 16, block=7, damping=1e-4)
    for (gradient,) in gradients(dense, [NAME]):
        fisher.add(gradient)
    expected = fisher.prune(dense.tensor(NAME).detach(), found.masks()[NAME])
    torch.testing.assert_close(found.tensor(NAME).detach(), expected)


@pytest.mark.parametrize("scope", ["weight", "global"])
def test_less_memory_gives_the_same_weights(scope: str) -> None:
    # one weight at a time, some together, all together
    tight, some, wide = (pruned(obert(scope=scope, memory=m)) for m in (1e-9, 10.0, 1e9))
    for name in tight.masks():
        torch.testing.assert_close(tight.tensor(name), wide.tensor(name))
        torch.testing.assert_close(some.tensor(name), wide.tensor(name))


def test_the_quadratic_model_of_the_loss_rises_less_than_with_magnitude() -> None:
    dense = pruned()
    plain = pruned(Prune.model_validate({"criterion": "magnitude", "sparsity": 0.5}))
    surgical = pruned(obert(scope="weight"))
    names = list(dense.masks())
    rises = {"plain": 0.0, "surgical": 0.0}
    for found in gradients(dense, names):
        for label, other in (("plain", plain), ("surgical", surgical)):
            for name, gradient in zip(names, found, strict=True):
                moved = (other.tensor(name) * other.masks()[name] - dense.tensor(name)).detach()
                # F is block-diagonal: gradients of other blocks are taken as independent
                flat = torch.nn.functional.pad(
                    (moved * gradient).flatten(), (0, -moved.numel() % 50)
                )
                rises[label] += float(flat.view(-1, 50).sum(1).square().sum())
    assert rises["surgical"] < 0.2 * rises["plain"]


def test_two_of_four() -> None:
    found = pruned(obert(pattern="n-of-m", scope="weight"))
    for mask in found.masks().values():
        assert torch.equal(mask.unflatten(1, (-1, 4)).sum(2).unique(), torch.tensor([2.0]))


def test_the_report_counts() -> None:
    found = calibrated(ran("bert", InsertMasks()))
    (step,) = apply([obert(targets=["*query*"], scope="weight")], found)
    assert step.report.facts == {"sparsity_fraction": 0.5, "samples": 12.0}
    assert set(step.report.did.values()) == {"512 of 1,024 zero, the rest corrected"}
    assert set(step.report.left.values()) == {"no target"}


def test_no_samples_is_a_mistake() -> None:
    with pytest.raises(Problem) as caught:
        ran("bert", InsertMasks(), obert())
    assert str(caught.value).startswith("passes[1]: there is nothing to calibrate on; set ")


def test_a_gradual_one_follows_its_schedule_and_what_is_zero_stays_zero() -> None:
    schedule = {"cyclic": {"cycles": 2, "first": 0.5}}
    found = pruned(obert(sparsity=0.8, schedule=schedule, warmup=0.25, cooldown=0.25, every=1))
    (duty,) = found.plan.duties
    assert set(zeros(found).values()) == {0}
    total = sum(mask.numel() for mask in found.masks().values())
    run: Any = SimpleNamespace(steps=8)
    last = {name: mask.clone() for name, mask in found.masks().items()}
    shares = []
    for step in range(9):
        duty.before_step(run, step)
        shares.append(sum(zeros(found).values()) / total)
        for name, mask in found.masks().items():
            assert bool((mask <= last[name]).all())
            assert bool((found.tensor(name)[mask == 0] == 0).all())
            last[name] = mask.clone()
        with torch.no_grad():
            for name, mask in found.masks().items():
                found.tensor(name).add_(0.01 * torch.ones_like(mask) * mask)
    # 0.4, then 0.4 + 0.4 (1 - (1 - 1/2)^3), then all
    expected = [0, 0, 0.4, 0.4, 0.75, 0.75, 0.8, 0.8, 0.8]
    assert shares == pytest.approx(expected, abs=1e-3)
    assert duty.facts() == {"sparsity_fraction": pytest.approx(0.8)}


def test_a_step_of_a_gradual_one_is_the_pass_at_that_sparsity() -> None:
    once = pruned(obert(sparsity=0.4))
    schedule = {"cyclic": {"cycles": 2, "first": 0.5}}
    found = pruned(obert(sparsity=0.8, schedule=schedule, warmup=0.25))
    run: Any = SimpleNamespace(steps=8)
    found.plan.duties[0].before_step(run, 2)
    for name, mask in once.masks().items():
        assert torch.equal(found.masks()[name], mask)
        assert torch.equal(found.tensor(name), once.tensor(name))


def test_a_schedule_needs_steps_to_prune_in() -> None:
    with pytest.raises(ValidationError, match="together leave no step to prune in"):
        obert(schedule="cubic", warmup=0.5, cooldown=0.5)
