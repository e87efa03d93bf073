"""The tasks that a model can be trained for and measured on, and what each goes with."""

from __future__ import annotations

from typing import Literal, TypeAlias

Task: TypeAlias = Literal[
    "text-classification",
    "question-answering",
    "token-classification",
    "fill-mask",
    "text-generation",
]
"""As the Hugging Face hub calls them."""
Labels: TypeAlias = Literal["class", "number", "span", "token"]
"""What a row is labelled with: a class, a number, where an answer begins and ends, or a class for
each of its tokens."""
LABELS: dict[Task, Labels] = {
    "text-classification": "class",
    "question-answering": "span",
    "token-classification": "token",
    "fill-mask": "token",
    "text-generation": "token",
}
"""A regression has numbers in place of classes."""
LANGUAGE: tuple[Task, ...] = ("fill-mask", "text-generation")
"""Those whose labels are the text itself."""
SPAN = ("start_logits", "end_logits")
"""The outputs of a model that says where an answer begins and ends."""
OF_TASK: dict[str, tuple[Task, ...]] = {
    "text": ("text-classification", "token-classification", "fill-mask", "text-generation"),
    "regression": ("text-classification",),
    "made": ("text-classification",),
    "augment": ("text-classification",),
    "stride": ("question-answering",),
    "max_answer_length": ("question-answering",),
    "hidden": ("fill-mask",),
}
"""Keys of a recipe's `data` -> the only tasks that they mean something for."""
