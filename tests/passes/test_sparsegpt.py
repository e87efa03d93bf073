"""The pass prunes every weight on what flows into it, in order, and outputs stay near."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from passes.insert_masks import InsertMasks
from passes.prune import Prune
from passes.sparsegpt import Sparsegpt
from sparsify.errors import Problem
from sparsify.pipeline import apply
from sparsify.program import Program
from tests.sparsify.programs import Toy, calibrated, ran


def sparsegpt(**options: Any) -> Sparsegpt:
    return Sparsegpt.model_validate({"sparsity": 0.5, **options})


def pruned(*passes: Any, kind: str = "bert") -> Program:
    found = calibrated(ran(kind, InsertMasks()), count=40, batch=8)
    apply(passes, found)
    return found


def error(found: Program, dense: Program) -> float:
    """How far hidden values moved, measured where they enter the last product."""
    return sum(
        float((a - b).square().sum())
        for batch in found.samples
        for a, b in zip(
            found.outputs({n: v for n, v in batch.items() if n != "labels"}),
            dense.outputs({n: v for n, v in batch.items() if n != "labels"}),
            strict=True,
        )
    )


@pytest.mark.parametrize("kind", ["bert", "plain"])
def test_every_weight_ends_at_the_sparsity_and_zero_where_its_mask_is(kind: str) -> None:
    found = pruned(sparsegpt(), kind=kind)
    for name, mask in found.masks().items():
        assert int((mask == 0).sum()) == mask.numel() // 2
        assert torch.equal(found.tensor(name) == 0, mask == 0)


def test_outputs_stay_nearer_than_with_magnitude() -> None:
    dense = pruned()
    plain = pruned(Prune.model_validate({"criterion": "magnitude", "sparsity": 0.5}))
    assert error(pruned(sparsegpt()), dense) < 0.7 * error(plain, dense)


def test_each_weight_is_pruned_on_what_the_pruned_weights_before_it_leave() -> None:
    first, both = pruned(sparsegpt(targets=["*layer.0*"])), pruned(sparsegpt())
    name = "bert.encoder.layer.0.output.dense.weight"
    assert torch.equal(first.tensor(name), both.tensor(name))
    later = "bert.encoder.layer.1.output.dense.weight"
    apart = pruned(sparsegpt(targets=["*layer.1*"]))
    assert not torch.equal(apart.tensor(later), both.tensor(later))


def test_two_of_four() -> None:
    found = pruned(sparsegpt(pattern="n-of-m", block=4))
    for mask in found.masks().values():
        assert torch.equal(mask.unflatten(1, (-1, 4)).sum(2).unique(), torch.tensor([2.0]))


def test_the_report_counts() -> None:
    found = calibrated(ran("bert", InsertMasks()))
    (step,) = apply([sparsegpt(targets=["*query*"])], found)
    assert step.report.facts == {"sparsity_fraction": 0.5, "samples": 12.0}
    assert set(step.report.did.values()) == {"512 of 1,024 zero, the rest corrected"}
    assert set(step.report.left.values()) == {"no target"}


def test_a_weight_used_twice_is_pruned_once_by_all_of_its_inputs() -> None:
    found = pruned(sparsegpt(), kind="albert")
    for name, mask in found.masks().items():
        assert int((mask == 0).sum()) == mask.numel() // 2
        assert torch.equal(found.tensor(name) == 0, mask == 0)


@pytest.mark.parametrize(
    ("passes", "said"),
    [
        ([sparsegpt()], "passes[0]: no weight has a mask; put `insert-masks` before it"),
        ([InsertMasks(), sparsegpt()],
         "passes[1]: there is nothing to calibrate on; set data.train=FILE, of which the first "
         "`data.calibration_rows` are used; in Python give `calibration`"),
        ([InsertMasks(), sparsegpt(pattern="head")],
         "passes[1]: pattern: `head` reaches through several weights, and weights are corrected "
         "one by one; use `prune`, or the pattern `element`"),
        ([InsertMasks(), sparsegpt(pattern="n-of-m", sparsity=0.6)],
         "passes[1]: sparsity: n-of-m leaves at most 50.0% zero"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence(passes: list[Any], said: str) -> None:
    with pytest.raises(Problem) as caught:
        ran(Toy, *passes)
    assert str(caught.value) == said
