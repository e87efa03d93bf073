"""A short run does what its passes asked for."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from passes.insert_masks import InsertMasks
from sparsify.errors import Problem
from sparsify.recipe import Optimization
from sparsify.task_loss import task_loss
from sparsify.training.session import Session
from tests.sparsify.programs import rows
from tests.sparsify.training.runs import (
    CAP,
    OPTIMIZATION,
    STEPS,
    Looks,
    prune,
    run,
    session,
    tensors,
)


def test_a_run_ends_at_the_planned_sparsity_and_tells_how_it_went(tmp_path: Path) -> None:
    looks = Looks()
    found = session(tmp_path, *CAP, watch=looks)
    before = tensors(found.student)
    history = run(found)
    for name, mask in found.student.masks().items():
        assert int((mask == 0).sum()) == round(0.8 * mask.numel()), name
    assert [point.step for point in history] == [12, 24]
    assert [step for step, _ in looks.evaluations] == [12, 24]
    assert history[-1].values.keys() >= {
        "accuracy", "task_loss", "distill_loss", "contrast_loss", "sparsity_fraction", "banks",
    }  # fmt: skip
    first = looks.facts[0]
    assert (first["sparsity_fraction"], first["banks"]) == (0.0, 2.0)
    assert first.keys() >= {"bank_megabytes", "bank_seconds"}
    assert looks.facts[-1]["banks"] == 5
    assert ("train", STEPS) in looks.begun
    assert sorted(path.stem for path in (tmp_path / "banks").iterdir()) == [
        "finetuned", "pretrained", "snapshot-12", "snapshot-18", "snapshot-6",
    ]  # fmt: skip
    after = tensors(found.student)
    assert all(not torch.equal(before[n], after[n]) for n in found.student.masks())


def test_the_teacher_stays_as_it_is(tmp_path: Path) -> None:
    found = session(tmp_path, *CAP)
    assert found.teacher is not None
    before = tensors(found.teacher)
    run(found)
    after = tensors(found.teacher)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_frozen_parameters_stay_and_are_free_again_afterwards(tmp_path: Path) -> None:
    found = session(tmp_path, steps=6)
    before = tensors(found.student)
    settings = OPTIMIZATION.model_copy(update={"freeze": ["embedding", "*.query.*"]})
    run(found, settings)
    after = tensors(found.student)
    frozen = [n for n in before if "query" in n or "embeddings.weight" in n]
    assert len(frozen) == 2 * 2 + 3
    assert all(torch.equal(before[name], after[name]) for name in frozen)
    assert not torch.equal(before["classifier.weight"], after["classifier.weight"])
    assert all(parameter.requires_grad for parameter in found.student.module.parameters())


def test_freezing_nothing_that_exists_is_a_mistake(tmp_path: Path) -> None:
    settings = OPTIMIZATION.model_copy(update={"freeze": ["embeddin"]})
    with pytest.raises(Problem) as caught:
        run(session(tmp_path, steps=2), settings)
    assert str(caught.value) == (
        "freeze: 'embeddin' matches no parameter; did you mean 'embedding', as in "
        "'bert.embeddings.word_embeddings.weight'?"
    )


@pytest.mark.parametrize("rate", [1e30, float("nan")])
def test_divergence_is_a_mistake(tmp_path: Path, rate: float) -> None:
    found = session(tmp_path, steps=12)
    if rate != rate:
        with torch.no_grad():
            found.student.tensor("classifier.bias").fill_(rate)
    settings = Optimization(batch=4, learning_rate=1.0 if rate != rate else rate, warmup=0)
    with pytest.raises(Problem) as caught:
        run(found, settings)
    said = str(caught.value)
    assert said.startswith("training diverged: the loss is not finite at step ")
    assert said.endswith("; lower `learning_rate`, or lengthen `warmup`")


def test_numbers_are_learned_by_squared_error(tmp_path: Path) -> None:
    found = session(tmp_path, data=rows(40, regression=True), steps=12)
    expected = task_loss(*outputs(found))
    first, last = (
        point.values for point in run(found, evaluate_every=1)[:: len(found.batches) - 1]
    )
    assert first.keys() == {"pearson", "task_loss"}
    assert last["task_loss"] < first["task_loss"]
    assert float(task_loss(*outputs(found))) < float(expected)


def outputs(found: Session) -> tuple[Tensor, Tensor]:
    """Predictions and labels of the training set."""
    read = found.encode(found.student, torch.arange(len(found.data)), ("logits",))
    return read["logits"], found.labels


def test_the_tasks_loss_by_hand() -> None:
    logits = torch.tensor([[1.0], [3.0]])
    assert float(task_loss(logits, torch.tensor([0.0, 1.0]))) == (1 + 4) / 2
    classes = torch.tensor([[0.0, 0.0], [0.0, 0.0]])
    assert float(task_loss(classes, torch.tensor([0, 1]))) == pytest.approx(math.log(2))


def test_a_collapse_is_said_while_it_happens(tmp_path: Path) -> None:
    looks = Looks()
    found = session(tmp_path, watch=looks, steps=4)
    with torch.no_grad():
        found.student.tensor("classifier.bias").copy_(torch.tensor([50.0, -50.0]))
    run(found, evaluate_every=2)
    assert [sentence.partition(":")[0] for sentence in looks.warnings] == ["step 2", "step 4"]
    share = int((found.validation.labels == 0).float().mean() * 100)
    assert looks.warnings[0].startswith("step 2: 100% of the predictions are class 0,")
    assert looks.warnings[0].endswith("of the rows have: the model has collapsed.")
    assert 0 < share < 100


def test_without_a_weight_of_its_own_the_task_adds_nothing(tmp_path: Path) -> None:
    found = session(tmp_path, *CAP, steps=3)
    (point,) = run(found, task_weight=0.0, evaluate_every=3)
    assert "task_loss" not in point.values
    assert "distill_loss" in point.values


def test_magnitude_global_and_linear_hit_the_sparsity_too(tmp_path: Path) -> None:
    options: dict[str, Any] = {"criterion": "magnitude", "schedule": "linear", "scope": "global"}
    found = session(tmp_path, InsertMasks(targets=["body", "head"]), prune(**options), steps=10)
    run(found)
    masks = found.student.masks().values()
    total = sum(mask.numel() for mask in masks)
    assert sum(int((mask == 0).sum()) for mask in masks) == round(0.8 * total)
