"""What a promise of equal outputs catches."""

from __future__ import annotations

import torch

from sparsify.program import Program, aten
from sparsify.sameness import Witness
from tests.sparsify.programs import Toy, program


def test_without_a_tolerance_the_last_bit_counts() -> None:
    found = program(Toy)
    witness = Witness(found, 0.0)
    assert witness.agrees(found)
    found.tensor("head.bias").data.add_(1e-6)
    assert not witness.agrees(found)


def test_a_tolerance_is_a_share_of_the_largest_number() -> None:
    found = program(Toy)
    witness = Witness(found, 1e-3)
    scale = float(found.outputs()[0].abs().max())
    found.tensor("head.bias").data.add_(1e-4 * scale)
    assert witness.agrees(found)
    found.tensor("head.bias").data.add_(1e-2 * scale)
    assert not witness.agrees(found)


def test_with_a_tolerance_other_sizes_are_compared_too() -> None:
    found = program(Toy)
    witness = Witness(found, 1e-5)
    (pick,) = found.graph.find_nodes(op="call_function", target=aten.select.int)
    tokens, dim, _ = pick.args
    # the last of the captured tokens is the first when counted from a fixed size
    pick.args = (tokens, dim, -found.inputs["input_ids"].shape[1])
    found.module.recompile()
    assert torch.equal(found.outputs()[0], witness_free(found))
    assert not witness.agrees(found)


def witness_free(found: Program) -> torch.Tensor:
    """The outputs at the captured sizes of a program that was not edited."""
    return program(Toy).outputs(found.inputs)[0]
