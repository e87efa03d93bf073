"""The pass against autograd and least squares on the eager model, and end to end with `shrink`."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from passes.fisher_masks import FisherMasks, unit_costs
from passes.insert_masks import InsertMasks
from passes.mask_tuning import DAMPING, tune
from passes.places import find_places
from passes.shrink import Shrink
from sparsify.analysis.cost import cost
from sparsify.analysis.coupling import structures
from sparsify.errors import Problem
from sparsify.kinds import pattern
from sparsify.pipeline import apply
from sparsify.program import Program
from sparsify.statistics import unit_gradients
from tests.sparsify.programs import calibrated, model, program

LAYER = "bert.encoder.layer.{}."
DOWN = LAYER + "output.dense.weight"


@cache
def _masked(kind: str) -> Program:
    found = calibrated(program(kind))
    apply([InsertMasks(targets=["*"])], found)
    return found


def masked(kind: str = "bert") -> Program:
    return _masked(kind).clone()


def neurons(found: Program) -> list[Any]:
    return [each for each in structures(found) if each.kind == "neuron"]


def test_gradients_of_neurons_are_those_of_autograd() -> None:
    """A factor of one on what the first layer's neurons hand to the product that reads them."""
    found = masked()
    units = neurons(found)[0].units
    ours = unit_gradients(found, [units]).double().numpy()
    module = model("bert").eval()
    factor = torch.ones(len(units), requires_grad=True)
    down = module.get_submodule(DOWN.format(0).removesuffix(".weight"))
    down.register_forward_pre_hook(lambda _m, given: (given[0] * factor,))
    rows = []
    for batch in found.samples:
        for row in range(len(batch["labels"])):
            given = {name: value[row : row + 1] for name, value in batch.items()}
            labels = given.pop("labels")
            loss = F.cross_entropy(module(**given).logits, labels)
            rows.append(torch.autograd.grad(loss, [factor])[0].double().numpy())
    np.testing.assert_allclose(ours, np.stack(rows), rtol=1e-4, atol=1e-7)


def test_costs_of_all_units_are_the_multiply_accumulates_of_the_layers() -> None:
    found = masked()
    places = [
        each
        for name in ("head", "neuron")
        for each in find_places(found, pattern.choose(name), ["*"])[0]
    ]
    total = sum(map(sum, unit_costs(found, places, 16)))  # type: ignore[arg-type]
    outside = 32 * 32 + 32 * 2  # the pooler and the classifier
    assert total == cost(found, sequence=16).dense_macs - outside


@pytest.mark.parametrize("sparsity", [0.25, 0.5, 0.75])
def test_the_computation_that_is_left_is_what_was_asked_for(sparsity: float) -> None:
    found = masked()
    before = cost(found, sequence=128).dense_macs - 32 * 32 - 32 * 2
    (step, _) = apply([FisherMasks(sparsity=sparsity), Shrink()], found)
    after = cost(found, sequence=128).dense_macs - 32 * 32 - 32 * 2
    assert all(" -> " in says for says in step.report.did.values())
    removed = step.report.facts["removed_macs_fraction"]
    assert sparsity <= removed < sparsity + 0.05
    assert after == pytest.approx((1 - removed) * before, rel=0.01)


def expected_factors(found: Program, kept: np.ndarray) -> np.ndarray:
    """For the first layer's neurons: least squares on the eager model's own inputs, in float64."""
    module = model("bert").eval()
    rows: list[np.ndarray] = []
    mask = torch.empty(0)
    down = module.get_submodule(DOWN.format(0).removesuffix(".weight"))

    def look(_module: object, given: tuple[Tensor, ...]) -> None:
        rows.append(given[0].detach()[mask].double().numpy())

    down.register_forward_pre_hook(look)  # type: ignore[arg-type]
    for batch in found.samples:
        given = {name: value for name, value in batch.items() if name != "labels"}
        mask = given["attention_mask"].bool()
        module(**given)
    inputs = np.concatenate(rows)
    weight = down.weight.detach().double().numpy()  # type: ignore[operator, union-attr]
    system = np.stack([np.outer(inputs[:, i], weight[:, i]).ravel() for i in kept], axis=1)
    missing = (inputs @ weight.T).ravel() - system.sum(1)
    hold = np.sqrt(DAMPING * np.mean((system**2).sum(0))) * np.eye(len(kept))
    change, *_ = np.linalg.lstsq(
        np.vstack([system, hold]), np.append(missing, np.zeros(len(kept))), rcond=None
    )
    return 1 + np.asarray(change)


def test_the_first_layers_neurons_are_scaled_as_least_squares_say() -> None:
    found = masked()
    name = DOWN.format(0)
    gone = torch.arange(64) % 3 == 0
    before = found.tensor(name).detach().clone()
    list(tune(found, {name: torch.arange(64)}, {name: gone}))
    kept = (~gone).nonzero().flatten().numpy()
    scaled = (found.tensor(name).detach() / before)[:, kept].double().numpy()
    expected = np.broadcast_to(expected_factors(found, kept), scaled.shape)
    np.testing.assert_allclose(scaled, expected, rtol=2e-3)
    assert bool((found.tensor(name)[:, gone] == 0).all())


def moved(found: Program, dense: Program) -> float:
    """How far the outputs at the samples are from those of the dense program."""
    return sum(
        float((a - b).square().sum())
        for batch in found.samples
        for a, b in zip(
            found.outputs({n: v for n, v in batch.items() if n != "labels"}),
            dense.outputs({n: v for n, v in batch.items() if n != "labels"}),
            strict=True,
        )
    )


def test_scaling_brings_outputs_nearer() -> None:
    dense, plain, scaled = masked(), masked(), masked()
    apply([FisherMasks(sparsity=0.3, tune=False)], plain)
    apply([FisherMasks(sparsity=0.3)], scaled)
    for name, mask in plain.masks().items():
        assert torch.equal(mask, scaled.masks()[name])
    assert moved(scaled, dense) < 0.8 * moved(plain, dense)


def test_a_weight_that_is_shared_by_layers_is_masked_and_told() -> None:
    (step,) = apply([FisherMasks(sparsity=0.5)], masked("albert"))
    several = "not scaled: it is multiplied several times, or with no rows"
    assert list(step.report.left.values()).count(several) == 2


def test_no_samples_is_a_mistake() -> None:
    found = masked()
    found.samples = ()
    with pytest.raises(Problem, match="there is nothing to calibrate on"):
        apply([FisherMasks(sparsity=0.5)], found)
