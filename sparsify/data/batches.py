"""Texts as token ids, and token ids as batches of like length."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from sparsify.data.text import Split
from sparsify.errors import Problem
from sparsify.metrics import ByLabel, Judge

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Row = Mapping[str, Sequence[int]]
TOKENS = 8192
POOL = 50
"""How many batches are sorted by length together: less padding, and still a random order."""


@dataclass(frozen=True)
class Encoded:
    """Rows as token ids, by the names of the model's inputs."""

    rows: list[Row]
    lengths: Tensor
    """i64[N]: tokens a row, special tokens included."""
    labels: Tensor
    """For each row, as `sparsify.plan.Moment` describes them."""
    pad: dict[str, int]
    """What fills the end of a shorter row, by input."""
    full: int
    """How many rows are as long as allowed; their ends may have been cut."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def tokens_at_once(self) -> int:
        """Tokens in one batch of an evaluation, padding included."""
        return TOKENS

    def batch(self, rows: Tensor | Sequence[int]) -> dict[str, Tensor]:
        """The model's inputs, i64[B, S], for some rows; S is the longest of them."""
        chosen = rows.tolist() if isinstance(rows, Tensor) else rows
        return collate([self.rows[row] for row in chosen], self.pad)

    def targets(self, rows: Tensor) -> Tensor:
        """The labels of some rows, as the task's loss compares them with logits."""
        return self.labels[rows]

    def judge(self) -> Judge:
        """What judges a model's logits for these rows."""
        return ByLabel(self.labels)


def encode(
    split: Split,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    names: Iterable[str] | None = None,
) -> Encoded:
    """Tokenize every row; at most `max_length` tokens and no more than the tokenizer allows.

    `names` are the model's inputs; left out, those that the tokenizer was made for.

    Raises:
        Problem: the tokenizer has no padding token.
    """
    pad = padding(tokenizer)
    given = [name for name in names or tokenizer.model_input_names if name in pad]
    limit = min(max_length, tokenizer.model_max_length)
    found = tokenizer(
        *(list(column) for column in zip(*split.texts, strict=True)),
        truncation=True,
        max_length=limit,
        return_token_type_ids="token_type_ids" in given,
        return_attention_mask="attention_mask" in given,
    )
    columns = zip(*(found[name] for name in given), strict=True)
    rows: list[Row] = [dict(zip(given, row, strict=True)) for row in columns]
    lengths = torch.tensor([len(row["input_ids"]) for row in rows])
    whole = isinstance(split.labels[0], int)
    labels = torch.tensor(split.labels, dtype=torch.int64 if whole else torch.float32)
    return Encoded(
        rows, lengths, labels, {name: pad[name] for name in given}, int((lengths == limit).sum())
    )


def require_fast(tokenizer: PreTrainedTokenizerBase, task: str) -> None:
    """Raise a Problem unless the tokenizer tells where in a text its tokens stand."""
    if not tokenizer.is_fast:
        raise Problem(
            "the tokenizer does not tell where in a text its tokens stand",
            where="model.tokenizer",
            hint=f"{task} needs a fast one (tokenizer.json)",
        )


def padding(tokenizer: PreTrainedTokenizerBase, instead: int | None = None) -> dict[str, int]:
    """What fills the end of a shorter row, by input.

    Args:
        tokenizer: the model's.
        instead: what stands for a padding token that the tokenizer lacks.

    Raises:
        Problem: the tokenizer has no padding token.
    """
    pad = instead if tokenizer.pad_token_id is None else int(tokenizer.pad_token_id)
    if pad is None:
        raise Problem(
            "the tokenizer has no padding token",
            where="model.tokenizer",
            hint="add `pad_token` to its tokenizer_config.json",
        )
    return {
        "input_ids": pad,
        "attention_mask": 0,
        "token_type_ids": int(tokenizer.pad_token_type_id),
    }


def collate(rows: Sequence[Row], pad: Mapping[str, int]) -> dict[str, Tensor]:
    """The model's inputs, i64[B, S]: each row filled up to the longest with `pad`'s value."""
    longest = max(len(row["input_ids"]) for row in rows)
    return {
        name: torch.tensor([[*row[name], *[value] * (longest - len(row[name]))] for row in rows])
        for name, value in pad.items()
    }


def batches_by_length(lengths: Tensor, batch: int, steps: int, seed: int) -> list[Tensor]:
    """The rows of every step of a run, i64[B] each, fixed before the start.

    Whole epochs, each shuffled anew: within pools of `POOL` batches rows are sorted by length, then
    the batches are shuffled. The rows of an epoch that do not fill a batch wait for the next epoch;
    a data set smaller than one batch is one batch.
    """
    order = np.random.default_rng(seed)
    sizes = lengths.numpy()
    found: list[Tensor] = []
    while len(found) < steps:
        found += _epoch(sizes, min(batch, len(sizes)), order)
    return found[:steps]


def _epoch(
    sizes: np.ndarray[tuple[int, ...], np.dtype[np.int64]], batch: int, order: np.random.Generator
) -> list[Tensor]:
    rows = order.permutation(len(sizes))[: len(sizes) // batch * batch]
    pools = [rows[start : start + POOL * batch] for start in range(0, len(rows), POOL * batch)]
    by_length = [pool[np.argsort(sizes[pool], kind="stable")] for pool in pools]
    batches = np.concatenate(by_length).reshape(-1, batch)
    return [torch.from_numpy(each.copy()) for each in order.permutation(batches)]
