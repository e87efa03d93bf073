"""The learning rate of every step, held to schedules of the transformers library."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import get_constant_schedule_with_warmup, get_linear_schedule_with_warmup

from passes.insert_masks import InsertMasks
from sparsify.recipe import Optimization
from sparsify.training.rates import rate, restart
from tests.sparsify.training.runs import OPTIMIZATION, Looks, Stop, prune, run, session, tensors

CYCLES = OPTIMIZATION.model_copy(update={"cycles": 2})


def rates(steps: int, **options: object) -> list[float]:
    settings = Optimization.model_validate(options)
    return [rate(settings, step, steps) for step in range(steps)]


@pytest.mark.parametrize("steps", [1, 7, 100])
@pytest.mark.parametrize("warmup", [0.0, 0.1, 1.0])
def test_it_is_that_of_the_library(steps: int, warmup: float) -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    rising = round(warmup * steps)
    linear = get_linear_schedule_with_warmup(optimizer, rising, steps).lr_lambdas[0]
    constant = get_constant_schedule_with_warmup(optimizer, rising).lr_lambdas[0]
    assert rates(steps, warmup=warmup) == [linear(step) for step in range(steps)]
    assert rates(steps, warmup=warmup, decay="none") == [constant(step) for step in range(steps)]


def test_every_cycle_is_a_schedule_of_its_own() -> None:
    one = rates(10, warmup=0.2)
    assert rates(30, warmup=0.2, cycles=3) == one * 3


def test_the_optimizer_forgets_where_a_cycle_begins() -> None:
    forgets = []
    for step in range(30):
        optimizer = torch.optim.AdamW([nn.Parameter(torch.zeros(1))])
        optimizer.state[torch.zeros(1)] = {}
        restart(optimizer, Optimization(cycles=3), step, 30)
        forgets += [] if optimizer.state else [step]
    assert forgets == [10, 20]


def test_more_cycles_than_steps_are_a_step_each() -> None:
    assert rates(3, warmup=0.0, cycles=9) == [1.0, 1.0, 1.0]


def test_with_a_cycle_the_optimizer_starts_afresh_also_when_resumed(tmp_path: Path) -> None:
    plan = (InsertMasks(), prune(criterion="magnitude", schedule="linear"))
    whole = session(tmp_path / "whole", *plan)
    run(whole, CYCLES)
    with pytest.raises(Stop):
        run(session(tmp_path / "cut", *plan, watch=Looks(stop=13)), CYCLES)
    cut = session(tmp_path / "cut", *plan)
    run(cut, CYCLES, resume=True)
    for name, tensor in tensors(cut.student).items():
        assert torch.equal(tensor, tensors(whole.student)[name]), name
    once = session(tmp_path / "once", *plan)
    run(once)
    assert any((tensors(once.student)[n] != t).any() for n, t in tensors(whole.student).items())
