"""The steps that benchmarks time are those that training would do."""

from __future__ import annotations

from pathlib import Path

import torch

from benchmarks.shapes import BERT_BASE, TINY
from benchmarks.steps import Course, DutyStep, compiled, session
from benchmarks.training import RECIPE, weights_alone
from passes.contrasting import Contrasting
from sparsify import schema

COURSE = Course(batch=2, sequence=8, timed=3, distinct=2, others=32)


def test_timed_steps_follow_the_last_snapshot_and_are_long() -> None:
    batches, lengths = COURSE.batches(), COURSE.lengths()
    assert len(batches) % 4 == 0
    assert COURSE.first == 3 * len(batches) // 4 + 1
    timed = batches[COURSE.first : COURSE.first + COURSE.timed]
    assert all(bool((lengths[rows] == COURSE.sequence).all()) for rows in timed)


def test_every_row_is_seen_after_the_last_snapshot() -> None:
    late = torch.cat(COURSE.batches()[COURSE.first :])
    assert torch.unique(late).tolist() == list(range(len(COURSE.lengths())))


def test_a_timed_cap_step_has_all_banks_with_all_rows_and_takes_no_snapshot(tmp_path: Path) -> None:
    passes = schema.read(RECIPE).recipe.passes
    dense = compiled(TINY.model(), [])
    step = DutyStep(session(TINY, dense, passes, COURSE, tmp_path), COURSE.first)
    (contrast,) = [duty for duty in step.session.duties if isinstance(duty, Contrasting)]
    banks = {name: len(found) for name, found in contrast.banks.items()}
    assert banks == {"pretrained": 1, "snapshots": 3, "finetuned": 1}
    assert len(contrast.banks["snapshots"][-1].vectors) == len(COURSE.lengths())
    before = {name: tensor.clone() for name, tensor in step.session.student.masks().items()}
    assert all(0.8 < float((mask == 0).float().mean()) < 0.95 for mask in before.values())
    for _ in range(COURSE.timed):
        step()
    assert {name: len(found) for name, found in contrast.banks.items()} == banks


def test_the_matrices_of_bert_base_are_85_million_weights_in_72() -> None:
    matrices = BERT_BASE.matrices()
    assert len(matrices) == 72
    assert sum(rows * columns for rows, columns in matrices.values()) == 84_934_656


def test_a_program_of_weights_alone_has_a_mask_for_each() -> None:
    assert len(weights_alone(TINY).masks()) == len(TINY.matrices())
