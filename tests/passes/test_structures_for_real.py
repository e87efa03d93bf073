"""Structures as the analysis finds them: pruned, shrunk, and still the same function."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from passes.insert_masks import InsertMasks
from passes.prune import Prune
from passes.shrink import Shrink
from sparsify.analysis.coupling import structures
from sparsify.examples import at_sizes
from sparsify.pipeline import apply
from sparsify.program import Program
from tests.sparsify.programs import program, ran
from tests.sparsify.saving.test_write_back import base

ALL = InsertMasks(targets=["*"])
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def prune(pattern: Any, **options: Any) -> Prune:
    return Prune.model_validate(
        {"criterion": "magnitude", "sparsity": 0.5, "pattern": pattern, **options}
    )


def elsewhere(found: Program) -> list[torch.Tensor]:
    """Outputs at sizes that the program was not captured at."""
    sizes = {"batch": 3, "sequence": 7}
    return found.outputs(at_sizes(found.inputs, found.dynamic, sizes, seed=0))


@pytest.mark.parametrize("kind", ["bert", "plain", "albert", "llama", "gpt2"])
def test_shrinking_what_was_pruned_changes_no_output(kind: str) -> None:
    start = program(kind) if kind in ("plain", "albert") else base(kind)[1].clone()
    dense, before = elsewhere(start), start.parameter_count()
    apply([ALL, prune("head"), prune("neuron")], start)
    masked = elsewhere(start)
    (step,) = apply([Shrink()], start)
    for a, b in zip(masked, elsewhere(start), strict=True):
        torch.testing.assert_close(a, b, **CLOSE)
    assert not torch.allclose(masked[0], dense[0], **CLOSE)
    assert start.parameter_count() < before
    kinds = {each.kind: len(each.units) for each in structures(start)}
    assert kinds["neuron"] in (32, 64)
    assert kinds.get("head", kinds.get("kv-group")) in (1, 2)
    assert step.report.did


def test_kv_groups_are_only_those_that_are_shared() -> None:
    llama = base("llama")[1].clone()
    _, step = apply([ALL, prune("kv-group")], llama)
    assert set(step.report.did.values()) == {"1 of 2 groups of heads zero"}
    _, step = apply([ALL, prune("kv-group")], program("bert"))
    assert step.report.left == {"kv-group": "the program has none"}


def test_whole_branches_vanish() -> None:
    found = ran("bert", ALL)
    (step,) = apply([prune("layer")], found)
    assert step.report.did == {
        "attention": "1 of 2 branches zero",
        "ffn": "1 of 2 branches zero",
    }
    masked = elsewhere(found)
    apply([Shrink()], found)
    for a, b in zip(masked, elsewhere(found), strict=True):
        torch.testing.assert_close(a, b, **CLOSE)
    left = [each.kind for each in structures(found)]
    assert (left.count("head"), left.count("neuron")) == (1, 1)


def test_the_width_stays_and_the_report_says_why() -> None:
    found = ran("bert", ALL)
    (step,) = apply([prune("width")], found)
    (why,) = step.report.left.values()
    assert why == "is normalised together with the others by aten.layer_norm"
    assert step.report.did == {}
