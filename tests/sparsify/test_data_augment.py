"""Copies of rows with near words: deterministic, of the same length, kept in the cache."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sparsify import schema
from sparsify.data import augment
from sparsify.data.augment import augmented, kept_neighbours, kinds, neighbours
from sparsify.errors import Problem
from sparsify.run.clock import Clock
from sparsify.run.setup import Setup, prepare
from sparsify.watch import Watch
from tests.sparsify import tiny
from tests.sparsify.programs import rows


def table(size: int = 40, width: int = 8) -> torch.Tensor:
    return torch.randn(size, width, generator=torch.Generator().manual_seed(0))


def test_neighbours_are_the_nearest_of_their_kind_by_cosine() -> None:
    values = table()
    of_kind = torch.tensor([-1] * 5 + [0] * 20 + [1] * 15)
    found = neighbours(values, of_kind, 3).numpy()
    unit = values.double().numpy() / np.linalg.norm(values.double().numpy(), axis=1, keepdims=True)
    for token in range(40):
        if token < 5:
            assert found[token].tolist() == [token] * 3
            continue
        others = [t for t in range(40) if of_kind[t] == of_kind[token] and t != token]
        nearest = sorted(others, key=lambda t: -float(unit[t] @ unit[token]))[:3]
        assert found[token].tolist() == nearest


def test_a_kind_with_too_few_is_filled_up_with_the_token_itself() -> None:
    found = neighbours(table(3), torch.tensor([0, 0, 1]), 2)
    assert found.tolist() == [[1, 0], [0, 1], [2, 2]]


def test_copies_follow_the_rows_with_their_labels_and_lengths() -> None:
    data = rows(20)
    near = torch.arange(40)[:, None] + 100
    found = augmented(data, near, copies=2, share=0.3, seed=1)
    assert len(found) == 60
    assert found.rows[:20] == data.rows
    assert torch.equal(found.labels, data.labels.repeat(3))
    assert torch.equal(found.lengths, data.lengths.repeat(3))
    changed = [
        new in (old, old + 100)
        for row, copy in zip(data.rows * 2, found.rows[20:], strict=True)
        for old, new in zip(row["input_ids"], copy["input_ids"], strict=True)
    ]
    assert all(changed)
    tokens = [each for row in found.rows[20:] for each in row["input_ids"]]
    assert np.mean([each >= 100 for each in tokens]) == pytest.approx(0.3, abs=0.08)
    assert found.batch([59])["attention_mask"].sum() == data.lengths[19]


def test_equal_seeds_give_equal_copies() -> None:
    near = neighbours(table(), torch.zeros(40, dtype=torch.int64), 5)
    one, same, other = (augmented(rows(8), near, copies=1, share=0.5, seed=s) for s in (3, 3, 4))
    assert one.rows == same.rows
    assert one.rows != other.rows


def test_words_are_told_from_parts_marks_and_specials(tmp_path: Path) -> None:
    tokenizer = tiny.tokenizer()
    found = dict(zip(tokenizer.convert_ids_to_tokens(range(len(tokenizer))),
                     kinds(tokenizer, len(tokenizer)).tolist(), strict=True))  # fmt: skip
    assert found["[CLS]"] == found["[PAD]"] == -1
    assert all(kind == -1 or token.removeprefix("##").isalpha() for token, kind in found.items())
    assert 0 in found.values()


def test_neighbours_are_kept_and_made_anew_where_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARSIFY_CACHE", str(tmp_path))
    of_kind = torch.zeros(40, dtype=torch.int64)
    first = kept_neighbours(table(), of_kind, 4)
    (path,) = tmp_path.rglob("*.safetensors")
    with monkeypatch.context() as patch:
        patch.setattr(augment, "neighbours", lambda *_: pytest.fail("made again"))
        assert torch.equal(kept_neighbours(table(), of_kind, 4), first)
    path.write_bytes(b"no tensors")
    assert torch.equal(kept_neighbours(table(), of_kind, 4), first)
    kept_neighbours(table(), of_kind, 3)
    assert len(list(tmp_path.rglob("*.safetensors"))) == 2


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPARSIFY_CACHE", str(tmp_path / "cache"))
    tiny.save("bert", tmp_path / "model")
    lines = "a good film\t1\na bad film\t0\n" * 6
    (tmp_path / "train.tsv").write_text(f"sentence\tlabel\n{lines}")
    return tmp_path


def prepared(**augment: object) -> Setup:
    data = {"train": "train.tsv", "augment": augment} if augment else {"train": "train.tsv"}
    asked = {"model": "model", "data": data, "passes": ["clean"], "capture": {"check": False}}
    return prepare(schema.parse(asked), Clock(Watch()))


def test_a_recipe_asks_for_copies_and_calibration_stays_the_same(folder: Path) -> None:
    plain, more = prepared(), prepared(copies=2, share=0.5)
    assert plain.train is not None
    assert more.train is not None
    assert len(more.train) == 3 * len(plain.train)
    assert more.train.rows[: len(plain.train)] == plain.train.rows
    assert more.validation is not None
    assert plain.validation is not None
    assert more.validation.rows == plain.validation.rows
    for one, other in zip(plain.program.samples, more.program.samples, strict=True):
        assert torch.equal(one["input_ids"], other["input_ids"])


def test_only_texts_with_a_label_have_copies() -> None:
    data = {"train": "t.json", "task": "question-answering", "augment": {}}
    with pytest.raises(Problem, match="it does not go with the task question-answering"):
        schema.parse({"model": "m", "data": data, "passes": ["clean"]})
