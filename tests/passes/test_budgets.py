"""Budgets against what the papers say of them, and against hand-made numbers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune as torch_prune

from passes.budgets import erdos_renyi
from passes.insert_masks import InsertMasks
from passes.obert import Obert
from passes.prune import Prune
from passes.ranking import keep_largest, lamp, normalised, rank
from passes.sparsegpt import Sparsegpt
from sparsify.errors import Problem
from sparsify.program import Program
from tests.sparsify.programs import Toy, calibrated, ran

QUERY = "bert.encoder.layer.0.attention.self.query.weight"
UP = "bert.encoder.layer.0.intermediate.dense.weight"


def prune(**options: Any) -> Prune:
    return Prune.model_validate({"criterion": "magnitude", "sparsity": 0.5, **options})


def shares(found: Program) -> dict[str, float]:
    return {name: float((mask == 0).double().mean()) for name, mask in found.masks().items()}


def lamp_by_hand(scores: list[float]) -> list[float]:
    """Lee et al. 2020, equation 1, with the sum over all that come no earlier in order."""
    order = np.argsort(np.array(scores), kind="stable")
    squares = np.array(scores, dtype=np.float64)[order] ** 2
    found = np.zeros(len(scores))
    for place, index in enumerate(order):
        total = squares[place:].sum()
        found[index] = squares[place] / total if total else 0.0
    return found.tolist()


@given(st.lists(st.floats(0, 100).map(lambda x: round(x, 2)), min_size=1, max_size=40))
def test_lamp_is_the_share_of_the_squares_that_are_no_smaller(scores: list[float]) -> None:
    found = lamp(torch.tensor(scores, dtype=torch.float64))
    assert found.tolist() == pytest.approx(lamp_by_hand(scores), rel=1e-9, abs=1e-300)


def test_lamp_keeps_the_largest_of_every_weight_to_the_last() -> None:
    """Its score is 1, and no other reaches that: no layer collapses."""
    units = [torch.rand(6, 5), torch.rand(4, 4) * 1e-6, torch.rand(9)]
    total = sum(each.numel() for each in units)
    kept = rank(units, [1 - 3 / total] * 3, "lamp")
    assert [int(mask.sum()) for mask in kept] == [1, 1, 1]
    assert all(float(u[m == 1]) == float(u.max()) for u, m in zip(units, kept, strict=True))


def test_infinite_scores_stay_infinite() -> None:
    scores = torch.tensor([1.0, torch.inf, 2.0, -torch.inf])
    for found in (lamp(scores), normalised(scores)):
        assert found[1] == torch.inf
        assert found[3] == -torch.inf
        assert found[[0, 2]].isfinite().all()


def test_normalised_scores_are_those_over_their_norm_and_scale_does_not_matter() -> None:
    units = [torch.randn(5, 4), torch.randn(7)]
    expected = keep_largest([each / each.pow(2).sum().sqrt() for each in units], 0.6)
    found = rank([units[0] * 1000, units[1]], [0.6, 0.6], "normalised")
    assert all(torch.equal(a, b) for a, b in zip(expected, found, strict=True))


def rigl(shapes: dict[str, tuple[int, ...]], density: float) -> dict[str, float]:
    """The procedure of Evci et al.'s program: add layers to the dense ones, one pass at a time."""
    dense: set[str] = set()
    while True:
        divisor, right = 0.0, 0.0
        raw = {}
        for name, shape in shapes.items():
            size = float(np.prod(shape))
            if name in dense:
                right -= size * (1 - density)
            else:
                right += size * density
                raw[name] = sum(shape) / size
                divisor += raw[name] * size
        epsilon = right / divisor
        highest = max(raw.values())
        if highest * epsilon <= 1:
            return {name: 1.0 if name in dense else epsilon * raw[name] for name in shapes}
        dense |= {name for name, each in raw.items() if each == highest}


@pytest.mark.parametrize("density", [0.05, 0.1, 0.3, 0.6, 0.95])
def test_erk_is_what_the_authors_program_gives(density: float) -> None:
    shapes = {"a": (768, 768), "b": (3072, 768), "c": (8, 8), "d": (64, 3, 7, 7), "e": (2, 768)}
    found = erdos_renyi(shapes, density)
    assert found == pytest.approx(rigl(shapes, density))
    total = sum(np.prod(shape) * found[name] for name, shape in shapes.items())
    assert total == pytest.approx(density * sum(np.prod(shape) for shape in shapes.values()))


def test_erk_leaves_larger_weights_sparser_and_the_whole_as_sparse() -> None:
    found = ran("bert", InsertMasks(), prune(scope="erk", sparsity=0.8))
    sizes = {name: mask.numel() for name, mask in found.masks().items()}
    each = shares(found)
    assert each[UP] > 0.8 > each[QUERY]
    total = sum(each[name] * size for name, size in sizes.items()) / sum(sizes.values())
    assert total == pytest.approx(0.8, abs=1e-3)


def test_a_name_gives_a_weight_its_own_sparsity_and_the_last_holds() -> None:
    budgets = {"*layer.0*": 0.25, "ffn": 0.75, QUERY: 0.0}
    found = ran("bert", InsertMasks(), prune(budgets=budgets))
    each = shares(found)
    assert each[QUERY] == 0
    assert each[UP] == 0.75
    assert each[QUERY.replace("query", "key")] == 0.25
    assert each[QUERY.replace("layer.0", "layer.1")] == 0.5


def test_budgets_rise_together_along_a_schedule() -> None:
    budgets = {"ffn": 0.8, "attention": 0.4}
    passes = prune(budgets=budgets, schedule="linear", warmup=0.0, cooldown=0.0, every=1)
    found = ran("bert", InsertMasks(), passes)
    (duty,) = found.plan.duties
    run: Any = SimpleNamespace(steps=10, start=0)
    for step in range(11):
        duty.before_step(run, step)
        each = shares(found)
        assert each[UP] == pytest.approx(0.08 * step, abs=1e-3)
        assert each[QUERY] == pytest.approx(0.04 * step, abs=1e-3)
    sizes = {name: mask.numel() for name, mask in found.masks().items()}
    total = sum(each[name] * size for name, size in sizes.items()) / sum(sizes.values())
    assert duty.facts()["sparsity_fraction"] == pytest.approx(total, abs=1e-3)


@pytest.mark.parametrize("cls", [Obert, Sparsegpt])
def test_passes_that_correct_keep_to_budgets(cls: Any) -> None:
    found = calibrated(ran("bert", InsertMasks(targets=["attention"])), count=4)
    options = {"scope": "weight", "budgets": {"attention.query": 0.25}}
    cls.model_validate({"sparsity": 0.5, **options}).run(found)
    assert shares(found)[QUERY] == 0.25
    assert shares(found)[QUERY.replace("query", "key")] == 0.5


@pytest.mark.parametrize("scope", ["weight", "global"])
def test_torch_prunes_the_same_weights(scope: str) -> None:
    """torch.nn.utils.prune: l1_unstructured for each weight, global_unstructured for all."""
    found = ran(Toy, InsertMasks(targets=["*"]), prune(scope=scope, sparsity=0.6))
    modules = {}
    for name in found.masks():
        out, into = found.tensor(name).shape
        modules[name] = nn.Linear(into, out)
        modules[name].weight = nn.Parameter(found.tensor(name).detach().clone())
    pairs = [(each, "weight") for each in modules.values()]
    if scope == "global":
        method = torch_prune.L1Unstructured
        torch_prune.global_unstructured(pairs, method, amount=0.6)
    for name, each in modules.items():
        if scope == "weight":
            torch_prune.l1_unstructured(each, "weight", amount=0.6)
        assert torch.equal(each.weight_mask, found.masks()[name])


@pytest.mark.parametrize(("pattern", "axis"), [("row", 0), ("column", 1)])
def test_torch_prunes_the_same_rows_and_columns(pattern: str, axis: int) -> None:
    """torch.nn.utils.prune.ln_structured with n = 1: rows and columns by their l1 norm."""
    found = ran(Toy, InsertMasks(), prune(pattern=pattern))
    linear = nn.Linear(4, 4)
    linear.weight = nn.Parameter(found.tensor("inner.weight").detach().clone())
    torch_prune.ln_structured(linear, "weight", amount=0.5, n=1, dim=axis)
    assert torch.equal(linear.weight_mask, found.masks()["inner.weight"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"budgets": {"querry": 0.1}},
         "passes[1]: budgets: 'querry' matches no parameter; did you mean 'query', as in "
         "'bert.encoder.layer.0.attention.self.query.weight'?"),
        ({"pattern": "n-of-m", "budgets": {"ffn.up": 0.6}},
         "passes[1]: budgets: 'bert.encoder.layer.0.intermediate.dense.weight' would be 60.0% "
         "zero, and n-of-m leaves at most 50.0% zero"),
    ],
)  # fmt: skip
def test_a_budget_that_cannot_be_is_a_mistake(options: dict[str, Any], said: str) -> None:
    with pytest.raises(Problem) as caught:
        ran("bert", InsertMasks(), prune(**options))
    assert str(caught.value) == said


def test_budgets_are_of_each_weight() -> None:
    with pytest.raises(ValueError, match="`scope: lamp` ranks all together"):
        prune(scope="lamp", budgets={"ffn": 0.1})
