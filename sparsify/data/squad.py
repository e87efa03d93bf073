"""Questions on texts: files in the form of SQuAD 1.1, and tables with the columns of the hub's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictInt,
    StrictStr,
    TypeAdapter,
    ValidationError,
)

from sparsify.data import files, json_places
from sparsify.data.table import Table
from sparsify.data.text import Question, Questions
from sparsify.errors import Problem

COLUMNS = ("context", "question", "answers")
FORM = '{"text": [...], "answer_start": [...]}'
Key: TypeAlias = str | int


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Answer(_Part):
    text: StrictStr
    answer_start: Annotated[StrictInt, Field(ge=0)]


class _Asked(_Part):
    question: StrictStr
    answers: list[_Answer]


class _Paragraph(_Part):
    context: StrictStr
    qas: list[_Asked]


class _Article(_Part):
    paragraphs: list[_Paragraph]


class _File(_Part):
    data: list[_Article]


class _Answers(_Part):
    """The answers of one row, as the hub's tables have them."""

    text: list[StrictStr]
    answer_start: list[Annotated[StrictInt, Field(ge=0)]]


def read(path: str) -> Questions:
    """The questions of a file: json in the form of SQuAD 1.1, or a row for each in jsonl, parquet.

    Raises:
        Problem: the file is missing or broken, or a question has no answer that stands where it is
            said to stand.
    """
    if Path(path.removesuffix(".gz")).suffix == ".json":
        return Questions(list(_nested(path, files.text_of(path))))
    return from_table(files.read(path))


def from_table(table: Table) -> Questions:
    """The questions of a table with the columns `context`, `question` and `answers`.

    Raises:
        Problem: a column is missing, or a cell is not as it must be.
    """
    columns = [table.column(name, key="question-answering") for name in COLUMNS]
    return Questions(
        [_of_row(table, row, *cells) for row, cells in enumerate(zip(*columns, strict=True))]
    )


def _of_row(table: Table, row: int, context: Any, question: Any, answers: Any) -> Question:
    for name, cell in (("context", context), ("question", question)):
        if not isinstance(cell, str):
            said = "missing" if cell is None else repr(cell)
            raise Problem(f"the {name} is {said}", where=table.place(row, name))
    try:
        found = TypeAdapter(_Answers).validate_python(answers)
    except ValidationError as error:
        key, what = _mistake(error)
        where = table.place(row, "answers", *key)
        raise Problem(what, where=where, hint=f"answers are {FORM}") from None
    if len(found.text) != len(found.answer_start):
        raise Problem(
            f"{len(found.text)} texts and {len(found.answer_start)} values of answer_start",
            where=table.place(row, "answers"),
        )
    pairs = list(zip(found.text, found.answer_start, strict=True))
    if fault := _fault(context, pairs):
        keys = () if fault.answer is None else ("answer_start", fault.answer)
        raise Problem(fault.what, where=table.place(row, "answers", *keys), hint=fault.hint)
    return _question(context, question, pairs)


def _nested(path: str, text: str) -> Iterator[Question]:
    for article, each in enumerate(_parsed(path, text).data):
        for paragraph, part in enumerate(each.paragraphs):
            for number, asked in enumerate(part.qas):
                pairs = [(answer.text, answer.answer_start) for answer in asked.answers]
                if fault := _fault(part.context, pairs):
                    keys: list[Key] = ["data", article, "paragraphs", paragraph, "qas", number]
                    if fault.answer is not None:
                        keys += ["answers", fault.answer, "answer_start"]
                    raise Problem(fault.what, where=_at(path, text, keys), hint=fault.hint)
                yield _question(part.context, asked.question, pairs)


def _parsed(path: str, text: str) -> _File:
    try:
        content: Any = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"{path}:{error.lineno}:{error.colno}"
        raise Problem(f"broken JSON ({error.msg})", where=where) from None
    try:
        return _File.model_validate(content)
    except ValidationError as error:
        keys, what = _mistake(error)
        hint = "question-answering reads json in the form of SQuAD 1.1, or a row for each question"
        raise Problem(what, where=_at(path, text, keys), hint=f"{hint} in jsonl") from None


def _mistake(error: ValidationError) -> tuple[tuple[Key, ...], str]:
    """Where the first mistake is, and a sentence on it."""
    first = error.errors()[0]
    keys = first["loc"]
    if first["type"] == "missing":
        return keys[:-1], f"there is no `{keys[-1]}`"
    name = next((key for key in reversed(keys) if isinstance(key, str)), "answers")
    said = "an object is expected" if first["type"] == "model_type" else first["msg"]
    return keys, f"`{name}`: {said[:1].lower()}{said[1:]}"


def _at(path: str, text: str, keys: Sequence[Key]) -> str:
    line, column = json_places.place(text, keys)
    return f"{path}:{line}:{column}"


@dataclass(frozen=True)
class _Fault:
    """What is wrong with the answers to a question."""

    answer: int | None
    """Which one; None: all of them."""
    what: str
    hint: str


def _fault(context: str, answers: Sequence[tuple[str, int]]) -> _Fault | None:
    """The first answer that does not stand where it is said to stand."""
    if not answers:
        hint = "questions without an answer (SQuAD 2.0) are not supported; leave them out"
        return _Fault(None, "the question has no answer", hint)
    for number, (text, start) in enumerate(answers):
        stands = context[start : start + len(text)]
        if not text:
            return _Fault(number, "the answer is empty", "")
        if stands != text:
            first = context.find(text)
            what = f"the answer {text!r} is said to begin at {start}, where {stands!r} stands"
            hint = f"it begins at {first}" if first >= 0 else "it does not stand in the context"
            return _Fault(number, what, hint)
    return None


def _question(context: str, question: str, answers: Sequence[tuple[str, int]]) -> Question:
    return Question(context, question, tuple(text for text, _ in answers), answers[0][1])
