"""A run on several batches computes what the program does, and keeps the least between products."""

from __future__ import annotations

import torch
from torch import Tensor

from sparsify.analysis.products import Product, products
from sparsify.program import aten
from sparsify.statistics.wave import Values, Wave
from tests.sparsify.programs import calibrated, program

UP = "bert.encoder.layer.0.intermediate.dense.weight"
DOWN = "bert.encoder.layer.0.output.dense.weight"
WIDTH, INNER = 32, 64


def wave() -> tuple[Wave, Product]:
    """A run on two batches, and the product that reads the wide states of a layer."""
    found = calibrated(program("bert").clone())
    found.module.eval()
    uses = {use.weight: use for use in products(found)}
    run = Wave(found, found.samples)
    run.settle(uses[UP].node)
    return run, uses[DOWN]


def kept(values: Values) -> set[int]:
    """The widths of the states that are kept."""
    states = [each for each in values.values() if isinstance(each, Tensor) and each.ndim == 3]
    return {state.shape[-1] for state in states if state.is_floating_point()}


def test_wide_states_are_kept_for_no_batch() -> None:
    run, down = wave()
    run.settle(down.node)
    assert all(kept(values) == {WIDTH} for values in run.batches)
    for values in run.reach(down.node):
        assert values[down.activation].shape[-1] == INNER
        assert all(kept(each) == {WIDTH} for each in run.batches)
    run.advance(run.place_of[down.node])
    assert all(INNER in kept(values) for values in run.batches)


def test_what_is_computed_again_is_what_was_computed() -> None:
    run, down = wave()
    whole = run.fork()
    whole.advance(whole.place_of[down.node])
    run.settle(down.node)
    for _ in range(2):
        for values, expected in zip(run.reach(down.node), whole.batches, strict=True):
            assert torch.equal(values[down.activation], expected[down.activation])


def test_a_batch_that_passes_a_product_has_its_result() -> None:
    run, down = wave()
    whole = run.fork()
    whole.advance(whole.place_of[down.node] + 1)
    run.settle(down.node)
    inputs = [
        values[down.activation] for values in run.passing(down.node, run.place_of[down.node] + 1)
    ]
    assert [each.shape[-1] for each in inputs] == [INNER] * len(run.batches)
    for values, expected in zip(run.batches, whole.batches, strict=True):
        assert torch.equal(values[down.node], expected[down.node])


def test_where_a_call_writes_into_what_it_reads_nothing_is_computed_again() -> None:
    found = calibrated(program("bert").clone())
    gelu = next(node for node in found.graph.nodes if node.target is aten.gelu.default)
    users = list(gelu.users)
    with found.graph.inserting_after(gelu):
        twice = found.graph.call_function(aten.mul_.Tensor, (gelu, 2.0))
    for user in users:
        user.replace_input_with(gelu, twice)
    found.module.recompile()
    (down,) = (use for use in products(found) if use.weight == DOWN)
    run = Wave(found, found.samples)
    run.settle(down.node)
    assert run.place == run.place_of[down.node]
    first = [values[down.activation].clone() for values in run.reach(down.node)]
    second = [values[down.activation] for values in run.reach(down.node)]
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
