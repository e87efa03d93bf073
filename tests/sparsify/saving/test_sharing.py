"""Weights that are read in several places stay one weight, whatever is done to the program."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch

import sparsify
from passes.insert_masks import InsertMasks
from sparsify import schema
from sparsify.models.source import Source
from sparsify.pipeline import apply
from sparsify.program import Program
from sparsify.recipe import Export
from tests.sparsify.analysis.architectures import captured
from tests.sparsify.programs import Tied, ran
from tests.sparsify.saving.test_saving import HALF


def sharing(program: Program) -> dict[str, int]:
    """For each parameter that is read more than once, how many calls read it."""
    found = {}
    for node in program.parameters():
        masked = program.masked(node)
        readers = [*node.users, *(masked.users if masked is not None else ())]
        found[str(node.target)] = len([each for each in readers if each is not masked])
    return {name: count for name, count in found.items() if count > 1}


def tensors(program: Program) -> int:
    """How many weights there are in memory."""
    return len({each.untyped_storage().data_ptr() for each in program.module.parameters()})


@pytest.mark.parametrize(
    ("row", "readers"),
    [
        ("albert / sequence-classification", {2: 16}),
        ("gpt2 / causal-lm", {2: 1}),
        ("t5 / seq2seq-lm", {3: 1}),
    ],
)
def test_shared_weights_stay_shared(row: str, readers: dict[int, int], tmp_path: Path) -> None:
    model, whole = captured(row)
    shared, count = sharing(whole), tensors(whole)
    assert Counter(shared.values()) == readers
    program = whole.clone()
    for each in [*schema.read("structured-oneshot").recipe.passes, *Export().passes]:
        apply([each], program)
        assert sharing(program.clone()) == sharing(program) == shared, each.tag
    sparsify.save(program, tmp_path, Source(model, model.config, None, row, None))
    again = sparsify.load(tmp_path)
    assert sharing(again) == shared
    assert tensors(again) == tensors(program.clone()) == tensors(program) == count
    for a, b in zip(program.outputs(), again.outputs(), strict=True):
        assert torch.equal(a, b)


def test_zeros_of_a_product_are_not_those_of_a_look_up(tmp_path: Path) -> None:
    found = ran(Tied, InsertMasks(targets=["words.weight"]), HALF)
    dense = found.tensor("words.weight").clone()
    sparsify.save(found, tmp_path)
    again = sparsify.load(tmp_path, model=Tied())
    assert torch.equal(again.tensor("words.weight"), dense)
    assert torch.equal(again.masks()["words.weight"], found.masks()["words.weight"])
