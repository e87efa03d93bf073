"""Zero units become smaller tensors; nothing else changes."""

from __future__ import annotations

import pytest
import torch

from passes.insert_masks import InsertMasks
from passes.shrink import Shrink
from sparsify.analysis.coupling import structures
from sparsify.pipeline import Step, apply
from sparsify.program import Program
from tests.sparsify.programs import program

LAYER = "bert.encoder.layer.0."
QUERY, UP = LAYER + "attention.self.query.weight", LAYER + "intermediate.dense.weight"
OUT, DOWN = LAYER + "attention.output.dense.weight", LAYER + "output.dense.weight"


def masked() -> Program:
    found = program("bert")
    apply([InsertMasks()], found)
    return found


def shrunk(found: Program, **options: int) -> Step:
    (step,) = apply([Shrink(**options)], found)
    return step


def test_dead_heads_and_neurons_are_removed_with_all_that_is_theirs() -> None:
    found = masked()
    found.masks()[OUT][:, :16] = 0
    found.masks()[DOWN][:, 10:30] = 0
    step = shrunk(found)
    assert step.report.did == {QUERY: "2 heads -> 1", UP: "64 neurons -> 44"}
    assert found.tensor(QUERY).shape == (16, 32)
    assert found.tensor(LAYER + "attention.self.key.bias").shape == (16,)
    assert found.masks()[DOWN].shape == (32, 44)
    assert step.report.facts["parameters_before"] == step.parameters[0]
    assert step.report.facts["parameters_after"] == step.parameters[1]
    assert step.parameters[0] - step.parameters[1] == 16 * (3 * 33 + 32) + 20 * (33 + 32)


def test_what_stays_is_told_with_the_reason() -> None:
    left = shrunk(masked()).report.left
    assert left[UP] == "none of 64 neurons is zero"
    assert left["classifier.weight"] == "reaches the output `logits`"
    assert left["bert.embeddings.word_embeddings.weight"] == (
        "is normalised together with the others by aten.layer_norm"
    )


def test_a_unit_that_one_weight_still_reads_stays() -> None:
    found = masked()
    found.masks()[DOWN][1:, 0] = 0
    assert not shrunk(found).report.did


def test_neurons_are_kept_up_to_a_round_number_the_strongest_of_the_dead() -> None:
    found = masked()
    found.masks()[DOWN][:, 10:30] = 0
    with torch.no_grad():
        found.tensor(UP)[25] *= 100
    strong = found.tensor(UP)[25].clone()
    assert shrunk(found, round_to=8).report.did == {UP: "64 neurons -> 48"}
    assert any(torch.equal(row, strong) for row in found.tensor(UP))


def test_a_dead_branch_vanishes_whole() -> None:
    found = masked()
    found.masks()[OUT].zero_()
    step = shrunk(found)
    assert step.report.did == {OUT: "zero: the heads before it are gone"}
    names = dict(found.module.named_parameters())
    assert QUERY not in names
    assert LAYER + "attention.output.dense.bias" in names


def test_shrinking_twice_equals_shrinking_once() -> None:
    found = masked()
    found.masks()[OUT][:, :16] = 0
    shrunk(found)
    assert not shrunk(found).report.did


@pytest.mark.parametrize("zeros", ["mask", "weight"])
def test_zeros_in_a_weight_count_as_those_of_a_mask(zeros: str) -> None:
    found = masked()
    where = found.masks()[DOWN] if zeros == "mask" else found.tensor(DOWN).data
    where[:, :4] = 0
    assert shrunk(found).report.did == {UP: "64 neurons -> 60"}


def test_a_shrunk_program_has_the_structures_that_are_left() -> None:
    found = masked()
    found.masks()[OUT][:, :16] = 0
    shrunk(found)
    heads = [each for each in structures(found) if each.kind == "head"]
    assert [len(each.units) for each in heads] == [1, 2]
