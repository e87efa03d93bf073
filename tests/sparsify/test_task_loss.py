"""The task's loss is the one that transformers' own models compute from labels."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForTokenClassification,
)

from sparsify.task_loss import task_loss
from tests.sparsify.tiny import config

INPUTS = {
    "input_ids": torch.tensor([[2, 5, 6, 7, 3], [2, 8, 3, 0, 0]]),
    "attention_mask": torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]),
}


def test_the_loss_of_answers() -> None:
    model = AutoModelForQuestionAnswering.from_config(config("bert", initializer_range=0.5)).eval()
    labels = torch.tensor([[1, 3], [0, 0]])
    found = model(**INPUTS, start_positions=labels[:, 0], end_positions=labels[:, 1])
    logits = torch.stack([found.start_logits, found.end_logits], 1)
    torch.testing.assert_close(task_loss(logits, labels), found.loss)


LABELS = torch.tensor([[-100, 1, 0, 1, -100], [-100, 1, -100, -100, -100]])


@pytest.mark.parametrize("kind", [AutoModelForTokenClassification, AutoModelForMaskedLM])
def test_the_loss_of_tokens(kind: Any) -> None:
    model = kind.from_config(config("bert", initializer_range=0.5)).eval()
    found = model(**INPUTS, labels=LABELS)
    torch.testing.assert_close(task_loss(found.logits, LABELS), found.loss)


def test_the_loss_of_the_next_token() -> None:
    model = AutoModelForCausalLM.from_config(config("gpt2", initializer_range=0.5)).eval()
    ids = INPUTS["input_ids"].where(INPUTS["attention_mask"] > 0, -100)
    found = model(**INPUTS, labels=ids)
    following = torch.cat([ids[:, 1:], torch.full((2, 1), -100)], 1)
    torch.testing.assert_close(task_loss(found.logits, following), found.loss)
