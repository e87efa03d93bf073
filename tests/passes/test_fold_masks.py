"""Folding leaves zeros in the weights and nothing of the masks."""

from __future__ import annotations

import pytest
import torch

from passes.fold_masks import FoldMasks
from passes.insert_masks import InsertMasks
from passes.prune import Prune
from sparsify.errors import Problem
from sparsify.kinds import criterion
from sparsify.pipeline import apply
from sparsify.text import to_text
from tests.sparsify.programs import Tied, program, ran

PRUNE = Prune(criterion=criterion.choose("magnitude"), sparsity=0.75)


@pytest.mark.parametrize("kind", ["bert", "albert", "plain"])
def test_the_graph_is_the_dense_one_again_with_zeros_in_its_weights(kind: str) -> None:
    dense = to_text(program(kind))
    found = ran(kind, InsertMasks(), PRUNE)
    zeros = {name: mask == 0 for name, mask in found.masks().items()}
    (step,) = apply([FoldMasks()], found)
    assert to_text(found) == dense
    assert found.masks() == {}
    assert not [name for name in found.module.state_dict() if name.endswith("_mask")]
    assert step.report.facts == {"sparsity_fraction": 0.75}
    assert set(step.report.did.values()) == {"75.0% zero"}
    assert all(torch.equal(found.tensor(name) == 0, where) for name, where in zeros.items())


def test_without_masks_there_is_nothing_to_do() -> None:
    (step,) = apply([FoldMasks()], program("bert"))
    assert (step.report.did, step.report.facts) == ({}, {})


def test_the_zeros_of_a_table_that_is_looked_up_dense_are_refused() -> None:
    found = ran(Tied, InsertMasks(targets=["words.weight"]), PRUNE)
    dense = found.tensor("words.weight").clone()
    with pytest.raises(Problem) as caught:
        apply([FoldMasks()], found)
    assert str(caught.value) == (
        "passes[0]: 'words.weight' is pruned in a product and read dense elsewhere, as by a "
        "look-up, so its zeros cannot be written into it; leave it out of the targets of `prune`"
    )
    assert torch.equal(found.tensor("words.weight"), dense)


def test_a_tied_table_without_zeros_can_be_folded() -> None:
    found = ran(Tied, InsertMasks(targets=["words.weight"]))
    (step,) = apply([FoldMasks()], found)
    assert step.report.did == {"words.weight": "0.0% zero"}
