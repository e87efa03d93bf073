"""What a task asks of a model: its class in transformers, and the labels that it tells apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from transformers import (
    MODEL_FOR_MASKED_LM_MAPPING,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    PretrainedConfig,
)

from sparsify.errors import Problem
from sparsify.tasks import LANGUAGE, Task

CLASSES: Mapping[Task, Any] = {
    "text-classification": AutoModelForSequenceClassification,
    "question-answering": AutoModelForQuestionAnswering,
    "token-classification": AutoModelForTokenClassification,
    "fill-mask": AutoModelForMaskedLM,
    "text-generation": AutoModelForCausalLM,
}
"""Task -> what builds its models, whatever the architecture."""
NOUNS: Mapping[Task, str] = {
    "text-classification": "classifier",
    "question-answering": "model that answers questions",
    "token-classification": "model that tags words",
    "fill-mask": "model that fills masks",
    "text-generation": "model that generates text",
}


@dataclass(frozen=True)
class Wanted:
    """A task, and the names of its classes or tags by id; none for a regression."""

    task: Task
    labels: tuple[str, ...] = ()

    @property
    def outputs(self) -> int | None:
        """How many outputs the head has; None: one for each word of the vocabulary."""
        if self.task in LANGUAGE:
            return None
        return 2 if self.task == "question-answering" else len(self.labels) or 1

    def set_labels(self, config: PretrainedConfig) -> None:
        """Let `config` say what the head is to tell apart."""
        if self.task == "text-classification":
            is_class = bool(self.labels)
            config.problem_type = "single_label_classification" if is_class else "regression"
        if self.task in LANGUAGE:
            return
        if self.labels:
            config.id2label = dict(enumerate(self.labels))
            config.label2id = {label: place for place, label in enumerate(self.labels)}
        else:
            config.num_labels = self.outputs or 1


def require_direction(path: str, config: PretrainedConfig, wanted: Wanted) -> None:
    """Raise a Problem where a model is to guess the next token, and sees it."""
    sees_all = type(config) in MODEL_FOR_MASKED_LM_MAPPING and not config.is_encoder_decoder
    if wanted.task == "text-generation" and sees_all and not getattr(config, "is_decoder", False):
        raise Problem(
            f"{config.model_type!r} sees the tokens that it would have to guess",
            where=path,
            hint="set data.task to fill-mask",
        )


def same_labels(path: str, config: PretrainedConfig, wanted: Wanted) -> None:
    """Raise a Problem unless a configuration counts the labels as the data does."""
    if wanted.outputs is None:
        return
    if config.num_labels != wanted.outputs:
        what = f"the model has {config.num_labels} labels, the data {wanted.outputs}"
        raise Problem(what, where=path)
    named = [str(name) for _, name in sorted((config.id2label or {}).items())]
    labels = list(wanted.labels)
    if labels and sorted(named) == sorted(labels) and named != labels:
        raise Problem(
            f"the model counts its labels {', '.join(named)}, the data {', '.join(labels)}",
            where=path,
            hint="label the data by number, in the model's order",
        )
