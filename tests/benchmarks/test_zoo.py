"""The zoo: a representative dozen through all steps, and how the rest is run and shown."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace

import pytest
import torch

from benchmarks import catalog, results
from benchmarks.zoo import journey, runner
from benchmarks.zoo.answers import difference
from benchmarks.zoo.causes import CAUSES
from benchmarks.zoo.command import chosen
from benchmarks.zoo.configs import ROWS
from benchmarks.zoo.journey import reason, travel
from benchmarks.zoo.outcome import Outcome
from benchmarks.zoo.page import PURPOSE, page
from benchmarks.zoo.steps import STEPS, Step
from sparsify.errors import Problem

DOZEN = (
    "bert / sequence-classification",
    "albert / sequence-classification",
    "deberta-v2 / question-answering",
    "modernbert / masked-lm",
    "gpt2 / causal-lm",
    "llama / causal-lm",
    "mixtral / causal-lm",
    "t5 / seq2seq-lm",
    "bart / sequence-classification",
    "swin / image-classification",
    "clip / no-head",
    "wav2vec2 / audio-classification",
    "own / nn.MultiheadAttention",
    "own / einsum",
)
NAMES = [row.name for row in ROWS]


@pytest.mark.parametrize("row", DOZEN)
def test_a_model_passes_every_step(row: str) -> None:
    outcomes: list[Outcome] = []
    travel(row, outcomes.append)
    assert {each.step: each.reason for each in outcomes if each.verdict != "passed"} == {}


def test_every_row_has_a_name_of_its_own() -> None:
    assert len(set(NAMES)) == len(NAMES) >= 60


def test_a_row_makes_the_same_model_every_time() -> None:
    row = next(row for row in ROWS if row.name == DOZEN[0])
    one, two = (list(row.make().parameters()) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_causes_are_of_rows_and_steps() -> None:
    assert all(row in NAMES for row, _ in CAUSES)
    assert all(step in {each.name for each in STEPS} for _, step in CAUSES)


def test_what_starts_from_a_failed_step_is_not_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_specimen: object) -> None:
        raise RuntimeError("\x1b[96mno\x1b[0m good\nat all") from ValueError("bad\nluck")

    def passes(_specimen: object) -> None: ...

    steps = (
        Step("first", passes, needs=""),
        Step("second", fails, needs="first"),
        Step("third", passes, needs="second"),
        Step("fourth", passes, needs="first"),
    )
    monkeypatch.setattr(journey, "STEPS", steps)
    outcomes: list[Outcome] = []
    travel(DOZEN[-1], outcomes.append)
    assert [replace(each, seconds=0.0) for each in outcomes] == [
        Outcome(DOZEN[-1], "first", "passed"),
        Outcome(DOZEN[-1], "second", "failed", "ValueError: bad"),
        Outcome(DOZEN[-1], "third", "not reached"),
        Outcome(DOZEN[-1], "fourth", "passed"),
    ]


def test_our_own_words_need_no_type() -> None:
    assert reason(Problem("no such thing", where="here")) == "here: no such thing"


def test_a_process_that_dies_fails_its_step() -> None:
    ours, theirs = multiprocessing.Pipe(duplex=False)
    theirs.send(Outcome("a", STEPS[0].name, "passed"))
    theirs.close()
    heard = list(runner._heard("a", ours, 1.0))
    assert [each.verdict for each in heard[:3]] == ["passed", "failed", "not reached"]
    assert heard[1].reason == "the process ended without a word"


def test_a_process_that_says_nothing_fails_its_step() -> None:
    ours, theirs = multiprocessing.Pipe(duplex=False)
    heard = list(runner._heard("a", ours, 0.0))
    theirs.close()
    assert heard[0].reason == "takes longer than 0 s"
    assert len(heard) == len(STEPS)


@pytest.mark.parametrize(
    ("expected", "found", "apart"),
    [
        ([torch.tensor([2.0, 4.0])], [torch.tensor([2.0, 3.0])], 0.25),
        ([torch.tensor([0.0])], [torch.tensor([0.5])], 0.5),
        ([torch.zeros(2)], [torch.zeros(3)], float("inf")),
        ([], [], 0.0),
    ],
)
def test_a_difference_is_relative(
    expected: list[torch.Tensor], found: list[torch.Tensor], apart: float
) -> None:
    assert difference(expected, found) == apart


def test_models_are_chosen_by_name_and_glob() -> None:
    assert chosen([]) == NAMES
    assert chosen(["own / einsum", "bert / *"])[-1] == "own / einsum"
    with pytest.raises(Problem, match="no model of the zoo named 'brt / masked-lm'; did you mean"):
        chosen(["brt / masked-lm"])


def test_the_page_has_a_row_a_model_and_a_note_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CAUSES, ("b", "two"), "Someone computes it elsewhere.")
    outcomes = [
        Outcome("a", "one", "passed"),
        Outcome("a", "two", "passed", says="1 of 2 heads"),
        Outcome("b", "one", "passed"),
        Outcome("b", "two", "failed", "x | y"),
        Outcome("c", "one", "failed", "wrong."),
        Outcome("c", "two", "not reached"),
    ]
    versions = {"torch": "1", "transformers": "2", "onnxruntime": "3"}
    result = {
        "outcomes": [vars(each) for each in outcomes],
        "command": "python -m benchmarks zoo",
        "date": "2026-01-02",
        "versions": versions,
    }
    assert page(result).removeprefix(PURPOSE) == (
        "1 of 3 models pass every step. `python -m benchmarks zoo`, 2026-01-02, torch 1, "
        "transformers 2, onnxruntime 3.\n\n"
        "| model | one | two | left |\n"
        "| --- | :---: | :---: | --- |\n"
        "| a | ✓ | ✓ | 1 of 2 heads |\n"
        "| b | ✓ | ✗[^1] |  |\n"
        "| c | ✗[^2] |  |  |\n"
        "\n[^1]: b, two: x \\| y. Someone computes it elsewhere.\n"
        "\n[^2]: c, one: wrong.\n"
    )


def test_the_page_of_the_project_is_that_of_the_kept_result() -> None:
    kept = results.latest(results.FOLDER, "zoo")
    path = catalog.ROOT.parent / "docs" / "zoo.md"
    assert (path.read_text() if path.exists() else None) == (None if kept is None else page(kept))
