"""Questions are read in both forms, mistakes in them have a place, and windows hold the answers."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sparsify.data import Questions, load
from sparsify.data.json_places import place
from sparsify.data.spans import Windows, encode_questions
from sparsify.data.text import Question
from sparsify.errors import Problem
from sparsify.recipe_data import Data
from tests.sparsify.tiny import tokenizer

QA = {"task": "question-answering"}
ROW = {"context": "a b c", "question": "b?", "answers": {"text": ["b"], "answer_start": [2]}}


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def nested(**answer: Any) -> dict[str, Any]:
    asked = {"id": "1", "question": "b?", "answers": [{"text": "b", "answer_start": 2} | answer]}
    paragraph = {"context": "a b c", "qas": [asked]}
    return {"version": "1.1", "data": [{"title": "t", "paragraphs": [paragraph]}]}


def rows_of(path: str) -> Questions:
    found = load(Data(train=path, validation=path, **QA), seed=0).train
    assert isinstance(found, Questions)
    return found


def test_both_forms_give_the_same_questions() -> None:
    Path("a.json").write_text(json.dumps(nested()))
    Path("a.jsonl.gz").write_bytes(gzip.compress(json.dumps(ROW).encode()))
    expected = Questions([Question("a b c", "b?", ("b",), 2)])
    assert rows_of("a.json") == rows_of("a.jsonl.gz") == expected


def test_a_tenth_of_the_questions_is_held_out() -> None:
    Path("a.jsonl").write_text("\n".join([json.dumps(ROW)] * 20))
    found = load(Data(train="a.jsonl", train_rows=5, **QA), seed=0)
    assert (len(found.train), len(found.validation)) == (5, 2)
    assert found.notes == [
        "a.jsonl: 2 of 20 rows are held out for validation.", "5 of 18 train rows are used.",
    ]  # fmt: skip


ANSWERS_ARE = '; answers are {"text": [...], "answer_start": [...]}'


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"text": ["c"], "answer_start": [2]},
         "a.jsonl:2:66: the answer 'c' is said to begin at 2, where 'b' stands; it begins at 4"),
        ({"text": ["b", "x"], "answer_start": [2, 0]},
         "a.jsonl:2:74: the answer 'x' is said to begin at 0, where 'a' stands; it does not stand"
         " in the context"),
        ({"text": [""], "answer_start": [0]}, "a.jsonl:2:65: the answer is empty"),
        ({"text": [], "answer_start": []},
         "a.jsonl:2:33: the question has no answer; questions without an answer (SQuAD 2.0) are not"
         " supported; leave them out"),
        ({"text": ["b"], "answer_start": []},
         "a.jsonl:2:33: 1 texts and 0 values of answer_start"),
        ({"text": ["b"]}, "a.jsonl:2:33: there is no `answer_start`" + ANSWERS_ARE),
        ({"text": ["b"], "answer_start": ["2"]},
         "a.jsonl:2:66: `answer_start`: input should be a valid integer" + ANSWERS_ARE),
        ("b", "a.jsonl:2:33: `answers`: an object is expected" + ANSWERS_ARE),
    ],
)  # fmt: skip
def test_answers_that_are_not_as_they_must_be(answers: Any, message: str) -> None:
    row = {"context": "a b c", "answers": answers, "question": "q"}
    Path("a.jsonl").write_text(f"{json.dumps(ROW)}\n{json.dumps(row)}\n")
    with pytest.raises(Problem) as caught:
        rows_of("a.jsonl")
    assert str(caught.value) == message


def test_a_mistake_in_the_nested_form_has_its_line_and_column() -> None:
    text = json.dumps(nested(answer_start=3), indent=1)
    Path("a.json").write_text(text)
    line = next(i for i, each in enumerate(text.splitlines(), 1) if "answer_start" in each)
    column = text.splitlines()[line - 1].index(": 3") + 3
    with pytest.raises(Problem) as caught:
        rows_of("a.json")
    assert str(caught.value) == (
        f"a.json:{line}:{column}: the answer 'b' is said to begin at 3, where ' ' stands; it begins"
        " at 2"
    )


FORM = (
    "; question-answering reads json in the form of SQuAD 1.1, or a row for each question in jsonl"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"data": [\n  {"paragraphs": [}\n]}', "a.json:2:19: broken JSON (Expecting value)"),
        ('{"date": []}', "a.json:1:1: there is no `data`" + FORM),
        ('{"data": [{"paragraphs": [\n {"qas": []}]}]}',
         "a.json:2:2: there is no `context`" + FORM),
        ('{"data": [{"paragraphs": [\n {"context": 1, "qas": []}]}]}',
         "a.json:2:14: `context`: input should be a valid string" + FORM),
    ],
)  # fmt: skip
def test_a_file_of_another_form(text: str, message: str) -> None:
    Path("a.json").write_text(text)
    with pytest.raises(Problem) as caught:
        rows_of("a.json")
    assert str(caught.value) == message


def test_a_table_without_answers_names_its_columns() -> None:
    Path("a.tsv").write_text("context\tquestion\tanswer\na\tb\tc\n")
    with pytest.raises(Problem) as caught:
        rows_of("a.tsv")
    assert str(caught.value) == (
        "a.tsv: no column named 'answers', which question-answering asks for; "
        "did you mean 'answer'? columns: context, question, answer"
    )


JSON = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(JSON, st.sampled_from([None, 1]), st.data())
def test_a_place_is_where_the_value_begins(value: Any, indent: int | None, data: Any) -> None:
    keys: list[str | int] = []
    inner = value
    while isinstance(inner, dict | list) and inner:
        key = data.draw(
            st.sampled_from(list(inner if isinstance(inner, dict) else range(len(inner))))
        )
        keys.append(key)
        inner = inner[key]
    text = json.dumps(value, indent=indent)
    line, column = place(text, keys)
    rest = "\n".join([text.split("\n")[line - 1][column - 1 :], *text.split("\n")[line:]])
    assert json.JSONDecoder().raw_decode(rest)[0] == inner


WORDS = "c d e f g h c d e f"


def windows(start: int, answer: str, length: int = 14, **options: Any) -> Windows:
    asked = Questions([Question(WORDS, "a b", (answer,), start)])
    return encode_questions(asked, tokenizer(), length, **options)


def test_windows_overlap_by_the_stride_and_cover_the_context() -> None:
    found = windows(0, "c", stride=4)
    # [CLS] a b [SEP] context [SEP]: 9 tokens of the context in each row
    places = [each.offsets[:, 0].tolist() for each in found.windows]
    assert places == [[0, 2, 4, 6, 8, 10, 12, 14, 16], [10, 12, 14, 16, 18]]
    assert [each.first for each in found.windows] == [4, 4]
    assert found.lengths.tolist() == [14, 10]
    assert found.full == 1
    batch = found.batch([0, 1])
    assert batch["token_type_ids"][0].tolist() == [0] * 4 + [1] * 10
    assert batch["attention_mask"].sum(1).tolist() == [14, 10]


def test_labels_are_the_first_and_the_last_token_of_the_answer_or_the_first_of_the_row() -> None:
    assert windows(8, "g h", stride=4).labels.tolist() == [[8, 9], [0, 0]]
    assert windows(10, "h c", stride=4).labels.tolist() == [[9, 10], [4, 5]]
    assert windows(14, "e f", stride=4).labels.tolist() == [[11, 12], [6, 7]]
    assert windows(18, "f", stride=4).labels.tolist() == [[0, 0], [8, 8]]


def test_a_model_that_points_at_the_labels_is_right() -> None:
    for start in range(0, 17, 2):
        answer = WORDS[start : start + 3]
        found = windows(start, answer, stride=4)
        judge = found.judge()
        for row in range(len(found)):
            logits = torch.zeros(1, 2, int(found.lengths[row]))
            for side, token in enumerate(found.targets(torch.tensor([row]))[0].tolist()):
                logits[0, side, token] = 5.0
            judge.see(torch.tensor([row]), logits)
        assert judge.scores().values == {"f1": 1.0, "exact_match": 1.0}


def test_a_question_takes_no_more_than_half_of_a_row() -> None:
    asked = Questions([Question(WORDS, "a " * 30, ("c",), 0)])
    found = encode_questions(asked, tokenizer(), 16)
    assert found.batch([0])["input_ids"][0].tolist()[:8] == [2, 4, 4, 4, 4, 4, 3, 6]
    assert int(found.lengths.max()) <= 16


def test_a_stride_without_room_for_a_question_is_a_mistake() -> None:
    with pytest.raises(Problem) as caught:
        windows(0, "c", stride=7)
    assert str(caught.value) == (
        "data: a stride of 7 tokens leaves no room for a question in 14; "
        "lower `stride` below half of `max_length`"
    )
