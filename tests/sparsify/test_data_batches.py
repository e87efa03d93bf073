"""Rows become batches: once an epoch, like lengths together, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparsify.data import Split, batches_by_length, collate, encode
from sparsify.errors import Problem
from tests.sparsify.tiny import tokenizer

lengths = st.lists(st.integers(1, 60), min_size=1, max_size=300).map(torch.tensor)


@given(lengths, st.integers(1, 40), st.integers(1, 30), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_no_row_comes_twice_in_an_epoch(
    sizes: torch.Tensor, batch: int, steps: int, seed: int
) -> None:
    found = batches_by_length(sizes, batch, steps, seed)
    assert len(found) == steps
    assert {len(rows) for rows in found} == {min(batch, len(sizes))}
    epoch = max(len(sizes) // batch, 1)
    for start in range(0, steps, epoch):
        rows = torch.cat(found[start : start + epoch])
        assert len(rows.unique()) == len(rows)
        assert 0 <= int(rows.min()) <= int(rows.max()) < len(sizes)


@given(st.integers(1, 20), st.integers(1, 10), st.integers(0, 5))
@settings(max_examples=30, deadline=None)
def test_every_row_comes_once_where_batches_come_out_even(
    batch: int, epoch: int, seed: int
) -> None:
    found = batches_by_length(torch.arange(batch * epoch), batch, epoch, seed)
    assert torch.equal(torch.cat(found).sort().values, torch.arange(batch * epoch))


def test_the_seed_alone_decides_the_order() -> None:
    sizes = torch.arange(100) % 17
    torch.manual_seed(1)
    first = batches_by_length(sizes, 8, 30, 7)
    torch.manual_seed(2)
    np.random.seed(3)
    again = batches_by_length(sizes, 8, 30, 7)
    other = batches_by_length(sizes, 8, 30, 8)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_a_longer_run_begins_like_a_shorter_one() -> None:
    sizes = torch.arange(100) % 17
    short, long = batches_by_length(sizes, 8, 20, 7), batches_by_length(sizes, 8, 50, 7)
    assert all(torch.equal(a, b) for a, b in zip(short, long, strict=False))


def test_like_lengths_come_together() -> None:
    sizes = torch.randint(1, 100, (1600,), generator=torch.Generator().manual_seed(0))
    found = batches_by_length(sizes, 32, 50, 0)
    padded = sum(int(sizes[rows].max()) * len(rows) for rows in found)
    assert padded < 1.05 * int(sizes.sum())


def test_texts_become_the_inputs_that_the_tokenizer_is_made_for() -> None:
    encoded = encode(Split([("a b", "c"), ("a", "b")], [1, 0]), tokenizer(), 16)
    assert encoded.lengths.tolist() == [6, 5]
    assert encoded.labels.dtype is torch.int64
    batch = encoded.batch(torch.tensor([1, 0]))
    assert {name: value.tolist() for name, value in batch.items()} == {
        "input_ids": [[2, 4, 3, 5, 3, 0], [2, 4, 5, 3, 6, 3]],
        "token_type_ids": [[0, 0, 0, 1, 1, 0], [0, 0, 0, 0, 1, 1]],
        "attention_mask": [[1, 1, 1, 1, 1, 0], [1, 1, 1, 1, 1, 1]],
    }


def test_only_the_inputs_of_the_model_are_made() -> None:
    names = ["input_ids", "attention_mask"]
    encoded = encode(Split([("a b",)], [0.5]), tokenizer(), 16, names)
    assert list(encoded.batch([0])) == names
    assert encoded.labels.dtype is torch.float32


def test_long_texts_are_cut_and_counted() -> None:
    encoded = encode(Split([("a b c d e",), ("a",)], [0, 1]), tokenizer(), 4)
    assert encoded.lengths.tolist() == [4, 3]
    assert encoded.full == 1


def test_rows_are_filled_up_to_the_longest() -> None:
    rows = [{"input_ids": [5]}, {"input_ids": [6, 7]}]
    assert collate(rows, {"input_ids": 9})["input_ids"].tolist() == [[5, 9], [6, 7]]


def test_a_tokenizer_without_padding_is_refused() -> None:
    words = tokenizer()
    words.pad_token = None
    with pytest.raises(Problem) as caught:
        encode(Split([("a",)], [0]), words, 4)
    assert str(caught.value) == (
        "model.tokenizer: the tokenizer has no padding token;"
        " add `pad_token` to its tokenizer_config.json"
    )
