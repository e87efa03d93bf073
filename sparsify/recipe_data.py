"""What a recipe can say about its data."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from sparsify.section import Fraction, Positive, Section
from sparsify.tasks import OF_TASK, Task


class Augment(Section):
    """Copies of the training rows in which some words are replaced by near ones."""

    copies: Positive = 1
    """How many of each row."""
    share: Fraction = 0.15
    """The share of the words and their parts that is drawn to be replaced."""
    nearest: Positive = 10
    """Of so many nearest by the model's own embeddings one is drawn."""


class Data(Section):
    """Text for a task: local files, a hub data set, or one that is made on the spot."""

    task: Task = "text-classification"
    """What is learned: classes or numbers for texts, answers that stand in a text, tags for words,
    hidden tokens, or the next token."""
    train: str | None = None
    """A csv, tsv, jsonl or parquet file, plain or .gz; tsv files are read without quoting.
    Questions come from jsonl or parquet files, or from a json file in the form of SQuAD 1.1; words
    with tags from jsonl or parquet files, or from any other with a line for each word; running
    text from any of the tables, or from a plain text file."""
    validation: str | None = None
    """Likewise; left out, a tenth of the training rows is held out."""
    hub: str | None = None
    """The name of a hub data set with train and validation splits, such as `nyu-mll/glue`."""
    subset: str | None = None
    """The configuration of the hub data set, such as `sst2`."""
    made: Literal["docstrings"] | None = None
    """A data set made from what is installed: which library does this docstring belong to?"""
    text: list[str] = Field(default=[], max_length=2)
    """One or two text columns; left out, every column of strings that is not the label. For words
    with tags: the column of lists of words, `tokens` or `words` where it is left out."""
    label: str = "label"
    """The column of classes (integers or strings) or, for regression, of numbers; for words with
    tags of lists, if there is none of that name `tags`, `ner_tags`, `pos_tags` or `labels`."""
    regression: bool = False
    """Whether the label is a number to come near to, instead of a class."""
    max_length: Positive = 128
    """Tokens after which a text is cut. The context of a question and running text are not cut, but
    go on in further rows."""
    stride: Positive | None = None
    """How many tokens of a context two such rows have in common; left out: a third of
    `max_length`."""
    max_answer_length: Positive | None = None
    """Tokens that an answer has at most when a model is measured; left out: 30."""
    hidden: Annotated[float, Field(gt=0, lt=1)] | None = None
    """The share of tokens that are hidden to be guessed (`fill-mask`); left out: 0.15."""
    train_rows: Positive | None = None
    """Use only this many training rows, drawn by the seed; of running text, rows of tokens."""
    validation_rows: Positive | None = None
    """Likewise of the validation rows."""
    calibration_rows: Positive = 128
    """How many of the training rows, from the first on, passes may calibrate on."""

    augment: Augment | None = None
    """More training rows; left out: none. The teacher that is fine-tuned learns from them, too."""

    @field_validator(*OF_TASK)
    @classmethod
    def _fits_the_task(cls, value: Any, info: ValidationInfo) -> Any:
        task = info.data.get("task")
        if value and task and task not in OF_TASK[str(info.field_name)]:
            raise ValueError(f"it does not go with the task {task}")
        return value
