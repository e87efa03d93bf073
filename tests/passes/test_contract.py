"""What every pass owes, whichever it is: nobody can forget it for a new one."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
import torch
from pydantic import BaseModel, TypeAdapter

from passes.insert_masks import InsertMasks
from sparsify.pipeline import Pass, PassChoice, apply
from sparsify.program import Program
from sparsify.text import to_text
from sparsify.verify import verify
from tests.sparsify.programs import calibrated, program

OURS = {tag: cls for tag, cls in Pass.known.items() if cls.__module__.startswith("passes.")}
FILLED: dict[str, dict[str, Any]] = {
    "drop-layers": {"which": "top", "count": 1},
    "obert": {"sparsity": 0.5},
    "prune": {"criterion": "magnitude", "sparsity": 0.5},
    "soft-prune": {"regularization": 100},
    "sparsegpt": {"sparsity": 0.5},
}
"""Options of the passes that cannot go without."""
ONCE = {"distill", "contrast", "soft-prune"}
"""These refuse to be asked twice for one and the same term of the loss, or the same masks."""
KINDS = ("bert", "plain")

Choice: TypeAdapter[Pass] = TypeAdapter(Annotated[Pass, PassChoice()])


def make(tag: str) -> Pass:
    return Choice.validate_python({tag: FILLED.get(tag, {})})


def masked(kind: str) -> Program:
    found = calibrated(program(kind))
    InsertMasks().run(found)
    found.module.recompile()
    return found


def everything(found: Program) -> tuple[str, dict[str, torch.Tensor]]:
    return to_text(found), {n: t.clone() for n, t in found.module.state_dict().items()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tag", sorted(OURS.keys() - ONCE))
def test_running_it_twice_equals_running_it_once(tag: str, kind: str) -> None:
    found = masked(kind)
    apply([make(tag)], found)
    text, tensors = everything(found)
    apply([make(tag)], found)
    again, others = everything(found)
    assert text == again
    assert tensors.keys() == others.keys()
    assert all(torch.equal(tensor, others[name]) for name, tensor in tensors.items())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tag", sorted(OURS))
def test_the_spec_holds_and_inputs_and_output_shapes_stay(tag: str, kind: str) -> None:
    found = masked(kind)
    inputs, before = dict(found.inputs), found.outputs(gradients=True)
    (step,) = apply([make(tag)], found)
    verify(found, after=tag)
    assert found.inputs.keys() == inputs.keys()
    after = found.outputs(gradients=True)
    assert [value.shape for value in after] == [value.shape for value in before]
    if OURS[tag].exact:
        assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert all(isinstance(value, int | float) for value in step.report.facts.values())
    assert all([*step.report.did.values(), *step.report.left.values()])


class Listed(BaseModel):
    passes: list[Annotated[Pass, PassChoice()]]


@pytest.mark.parametrize("tag", sorted(OURS))
def test_it_is_the_same_after_a_trip_through_a_recipe(tag: str) -> None:
    listed = Listed(passes=[make(tag)])
    assert Listed.model_validate_json(listed.model_dump_json()) == listed
    full = OURS[tag].model_validate(listed.passes[0].model_dump(mode="json"))
    assert full == listed.passes[0]


@pytest.mark.parametrize("tag", sorted(OURS))
def test_it_says_what_it_is_for(tag: str) -> None:
    assert (OURS[tag].__doc__ or "").strip()
