"""A run that distils inner values: the teacher runs along, and projections are learned and kept."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from passes.distill import Distill
from sparsify.program import Program
from sparsify.taps import tapped
from sparsify.training.reading import has_one_size
from sparsify.training.session import Session
from tests.sparsify.programs import captured, model, program
from tests.sparsify.training.runs import Looks, Stop, run, session, tensors

INNER = {"embeddings": {}, "hidden": {}, "scores": {}, "attention": {"loss": "kl"}}
STEPS = 8


def wide() -> Program:
    """A teacher of twice the layers, and wider."""
    return captured(model("bert", num_hidden_layers=4, hidden_size=48, num_attention_heads=2))


def started(folder: Path, teacher: Program | None = None, watch: Looks | None = None) -> Session:
    found = session(folder, Distill.model_validate(INNER), steps=STEPS, watch=watch)
    if teacher is not None:
        found.teacher = teacher
    return found


def test_only_one_vector_a_row_is_kept_and_the_rest_is_computed_with_the_batch(
    tmp_path: Path,
) -> None:
    found = started(tmp_path)
    kept, live = found.teacher_taps
    assert kept == ["logits"]
    assert live == [
        "attention.0", "attention.1", "hidden.0", "hidden.1", "hidden.2", "scores.0", "scores.1",
    ]  # fmt: skip
    rows = found.batches[0]
    inputs = found.data.batch(rows)
    assert found.teacher is not None
    expected = tapped(found.teacher, ["logits", *live]).eval()(**inputs)
    given = found.taught(rows, inputs)
    assert given.keys() == {"logits", *live}
    for name, value in given.items():
        torch.testing.assert_close(value, expected[name].detach(), atol=2e-5, rtol=0)
        assert not value.requires_grad


@pytest.mark.parametrize(
    ("name", "expected"),
    [("logits", True), ("pooled", True), ("cls", True), ("mean", True), ("hidden.1", False)],
)
def test_what_has_one_size(name: str, expected: bool) -> None:
    assert has_one_size(program("bert"), name) is expected


def test_a_student_learns_from_a_deeper_and_wider_teacher(tmp_path: Path) -> None:
    watch = Looks()
    found = started(tmp_path, wide(), watch)
    run(found)
    assert watch.facts[-1]["distill_loss"] < watch.facts[1]["distill_loss"]
    (duty,) = found.duties
    learned = duty.learned()
    assert learned is not None
    assert learned.tensors.keys() == {"embeddings", "hidden"}


def test_a_resumed_run_ends_with_the_same_weights_and_projections(tmp_path: Path) -> None:
    whole = started(tmp_path / "whole", wide())
    run(whole)
    with pytest.raises(Stop):
        run(started(tmp_path / "parts", wide(), Looks(stop=6)))
    parts = started(tmp_path / "parts", wide())
    run(parts, resume=True)
    assert parts.start == 5
    for name, tensor in tensors(whole.student).items():
        assert torch.equal(tensor, parts.student.tensor(name)), name
    learned = [found.duties[0].learned() for found in (whole, parts)]
    assert learned[0] is not None
    assert learned[1] is not None
    for name, parameter in learned[0].tensors.items():
        assert torch.equal(parameter, learned[1].tensors[name])
