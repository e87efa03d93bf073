"""Words with tags: read from columns and lists, aligned with tokens, and scored as entities."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sparsify.data import Sentences, load
from sparsify.data.tagged import Tagged, encode_sentences
from sparsify.errors import Problem
from sparsify.metrics.entities import ByTag, entities
from sparsify.recipe_data import Data
from tests.sparsify.tiny import tokenizer

TAGS = {"task": "token-classification"}
COLUMNS = """\
-DOCSTART- -X- O

a NN B-PER
b NN I-PER
c VB O

d NN B-LOC
"""


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(name: str, *rows: dict[str, Any]) -> None:
    Path(name).write_text("\n".join(map(json.dumps, rows)) + "\n")


EXPECTED = Sentences([("a", "b", "c"), ("d",)], [[1, 2, 3], [0]])
NAMES = ("B-LOC", "B-PER", "I-PER", "O")


def test_columns_and_lists_give_the_same_sentences() -> None:
    Path("a.conll").write_text(COLUMNS)
    write("a.jsonl", {"tokens": ["a", "b", "c"], "ner_tags": ["B-PER", "I-PER", "O"]},
          {"tokens": ["d"], "ner_tags": ["B-LOC"]})  # fmt: skip
    for path in ("a.conll", "a.jsonl"):
        found = load(Data(train=path, validation=path, **TAGS), seed=0)
        assert (found.train, found.label_names, found.labels) == (EXPECTED, NAMES, "token")


def test_tags_may_be_numbers() -> None:
    write("a.jsonl", {"words": ["a", "b"], "x": [0, 2]})
    found = load(Data(train="a.jsonl", validation="a.jsonl", label="x", **TAGS), seed=0)
    assert found.label_names == ("0", "1", "2")
    assert found.train == Sentences([("a", "b")], [[0, 2]])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"tokens": ["a", "b"], "tags": ["O", "B-X"]},
         "b.jsonl:1:38: the tag 'B-X' is none of the training rows'; they have: O, I-Y"),
        ({"tokens": ["a", "b"], "tags": ["O"]}, "b.jsonl:1:32: 2 words and 1 tags"),
        ({"tokens": ["a", 3], "tags": ["O", "O"]}, "b.jsonl:1:18: the word 3 is no string"),
        ({"tokens": ["a"], "tags": [True]},
         "b.jsonl:1:28: the tag True is neither a string nor a number from 0"),
        ({"tokens": "a", "tags": ["O"]},
         "b.jsonl:1:12: the list in column 'tokens' is 'a'; a sentence is a list of words, and a"
         " list of their tags"),
        ({"tokens": ["a"], "tag": ["O"]},
         "b.jsonl: no column named 'tags', which data.label asks for; did you mean 'tag'? columns:"
         " tokens, tag"),
    ],
)  # fmt: skip
def test_a_mistake_in_lists_has_its_place(rows: dict[str, Any], message: str) -> None:
    write("a.jsonl", {"tokens": ["a", "b"], "tags": ["O", "I-Y"]})
    write("b.jsonl", rows)
    with pytest.raises(Problem) as caught:
        load(Data(train="a.jsonl", validation="b.jsonl", **TAGS), seed=0)
    assert str(caught.value) == message.replace("O, I-Y", "I-Y, O")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a O\n\nb O\n  c\n",
         "b.conll:4:3: 'c' stands alone, where a word and its tag are expected"),
        ("a O\n\nb O\nc B-Z\n",
         "b.conll:4: the tag 'B-Z' is none of the training rows'; did you mean 'B-PER'?"),
        ("\n \n", "b.conll: the file is empty"),
        ("-DOCSTART- O\n", "b.conll: no sentences; each line holds a word and its tag"),
    ],
)  # fmt: skip
def test_a_mistake_in_columns_has_its_line(text: str, message: str) -> None:
    Path("a.conll").write_text(COLUMNS)
    Path("b.conll").write_text(text)
    with pytest.raises(Problem) as caught:
        load(Data(train="a.conll", validation="b.conll", **TAGS), seed=0)
    assert str(caught.value) == message


def encoded(rows: Sentences = EXPECTED, length: int = 16) -> Tagged:
    return encode_sentences(rows, tokenizer(), length, tags=NAMES)


def test_the_first_token_of_a_word_has_its_tag() -> None:
    # the tokenizer parts words at punctuation
    found = encoded(Sentences([("a-b", "c"), ("d",)], [[1, 3], [0]]))
    assert found.labels.tolist() == [[-100, 1, -100, -100, 3, -100], [-100, 0] + [-100] * 4]
    assert found.targets(torch.tensor([1])).tolist() == [[-100, 0, -100]]


def test_words_that_are_cut_off_have_no_label() -> None:
    found = encoded(Sentences([("a", "b", "c")], [[1, 2, 3]]), length=4)
    assert found.labels.tolist() == [[-100, 1, 2, -100]]
    assert found.full == 1


def judged(tags: Sentences, chosen: list[list[int]], names: tuple[str, ...] = NAMES) -> ByTag:
    """The judge of `tags`, who has seen a model that means `chosen`."""
    data = encoded(tags)
    judge = ByTag(data.labels, names)
    for row, each in enumerate(chosen):
        logits = torch.zeros(1, int(data.lengths[row]), len(names))
        for place, tag in enumerate(each):
            logits[0, 1 + place, tag] = 1.0
        judge.see(torch.tensor([row]), logits)
    return judge


def test_entities_are_right_if_type_and_ends_are() -> None:
    assert judged(EXPECTED, EXPECTED.tags).scores().values == {
        "f1": 1.0, "precision": 1.0, "recall": 1.0, "accuracy": 1.0,
    }  # fmt: skip
    # the person is cut in two, the place is found
    values = judged(EXPECTED, [[1, 3, 3], [0]]).scores().values
    assert values == {"f1": 0.5, "precision": 0.5, "recall": 0.5, "accuracy": 0.75}
    judge = judged(EXPECTED, [[3, 3, 3], [3]])
    assert judge.scores().values["f1"] == 0.0
    assert judge.collapsed() == (
        "100% of the predictions are class O, which 25% of the words have: the model has collapsed."
    )


def test_tags_that_spell_no_entities_have_an_accuracy() -> None:
    judge = judged(EXPECTED, [[1, 2, 0], [0]], ("NOUN", "VERB", "O", "X"))
    assert judge.scores().values == {"accuracy": 0.75}
    assert judge.scores().main == "accuracy"


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("B-A I-A O B-A", {("A", 0, 1), ("A", 3, 3)}),
        ("I-A I-A I-B", {("A", 0, 1), ("B", 2, 2)}),
        ("B-A B-A I-A", {("A", 0, 0), ("A", 1, 2)}),
        ("B-A I-B", {("A", 0, 0), ("B", 1, 1)}),
        ("S-A B-A E-A I-A", {("A", 0, 0), ("A", 1, 2), ("A", 3, 3)}),
        ("U-A B-A L-A O", {("A", 0, 0), ("A", 1, 2)}),
        ("B-x-y I-x-y", {("x-y", 0, 1)}),
        ("B I O I", {("", 0, 1), ("", 3, 3)}),
    ],
)
def test_entities_of_tags(tags: str, expected: set[tuple[str, int, int]]) -> None:
    assert entities(tags.split()) == expected


def said_again(tags: list[str]) -> set[tuple[str, int, int]]:
    """Where entities end and begin, from pairs of neighbours, as CoNLL's script asks."""
    found, start = set(), 0
    padded = ["O", *tags, "O"]
    for place, (before, tag) in enumerate(pairwise(padded)):
        b, t, same = before[0], tag[0], before[1:] == tag[1:]
        ends = (b in "ES") or (b in "BI" and (t in "BSO" or not same))
        begins = (t in "BS") or (t in "EI" and (b in "ESO" or not same))
        if ends:
            found.add((before[2:], start, place - 1))
        if begins:
            start = place
    return found


@given(st.lists(st.sampled_from(["O", *(f"{p}-{k}" for p in "BIES" for k in "AB")]), max_size=9))
def test_entities_equal_the_rules_for_neighbours(tags: list[str]) -> None:
    assert entities(tags) == said_again(tags)
