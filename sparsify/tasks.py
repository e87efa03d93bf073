"""The tasks that a model can be trained for and measured on, and what each goes with."""

from __future__ import annotations

from typing import Literal, TypeAlias

Task: TypeAlias = Literal["text-classification", "question-answering"]
"""As the Hugging Face hub calls them."""
Labels: TypeAlias = Literal["class", "number", "span", "token"]
"""What a row is labelled with: a class, a number, where an answer begins and ends, or a class for
each of its tokens."""
LABELS: dict[Task, Labels] = {"text-classification": "class", "question-answering": "span"}
"""A regression has numbers in place of classes."""
SPAN = ("start_logits", "end_logits")
"""The outputs of a model that says where an answer begins and ends."""
OF_TASK: dict[str, tuple[Task, ...]] = {
    "text": ("text-classification",),
    "regression": ("text-classification",),
    "made": ("text-classification",),
    "augment": ("text-classification",),
    "stride": ("question-answering",),
    "max_answer_length": ("question-answering",),
}
"""Keys of a recipe's `data` -> the only tasks that they mean something for."""
