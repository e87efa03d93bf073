"""Running text as rows of equal length, for models that guess hidden tokens or the next one."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sparsify.data.batches import Encoded, Row, padding
from sparsify.data.text import Documents
from sparsify.errors import Problem
from sparsify.metrics import ByWord, Judge
from sparsify.task_loss import NO_LABEL

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

LOGITS = 2**25
"""Numbers in the logits of one batch of an evaluation, so that a large vocabulary fits."""
HIDDEN = 0.15
"""The share of tokens that are to be guessed, where the recipe does not say."""
MASKED, RANDOM = 0.8, 0.1
"""Of the hidden tokens: how many become the mask, how many any token; the others stay."""
TOGETHER = 500
"""Documents, or lines of one, that are tokenized at once."""


@dataclass(frozen=True)
class Running(Encoded):
    """Rows of running text; a label is the token that comes next, i64[N, S]."""

    vocabulary: int

    @property
    def tokens_at_once(self) -> int:
        return max(1, LOGITS // self.vocabulary)

    def targets(self, rows: Tensor) -> Tensor:
        return self.labels[rows][:, : int(self.lengths[rows].max())]

    def judge(self) -> Judge:
        return ByWord(self.targets)


@dataclass(frozen=True)
class Masked(Running):
    """Rows of running text of which some tokens are hidden; a label is the token behind it.

    Devlin et al. 2018, arXiv:1810.04805, section 3.1. What is hidden follows from the seed and the
    row and, where it is drawn `anew`, from the rows of the batch: no other epoch has the same
    batch, and a run that is resumed hides the same tokens.
    """

    mask: int
    share: float
    seed: int
    anew: bool

    def batch(self, rows: Tensor | Sequence[int]) -> dict[str, Tensor]:
        found = super().batch(rows)
        ids, _ = self._hidden(torch.as_tensor(rows))
        return found | {"input_ids": torch.where(ids >= 0, ids, found["input_ids"])}

    def targets(self, rows: Tensor) -> Tensor:
        _, is_hidden = self._hidden(rows)
        return super().targets(rows).where(is_hidden, NO_LABEL)

    def _hidden(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """i64[B, S], what stands for a token, -1: itself; b8[B, S], which are to be guessed."""
        wanted = super().targets(rows)
        ids = np.full(wanted.shape, -1)
        is_hidden = np.zeros(wanted.shape, bool)
        batch = zlib.crc32(rows.numpy().tobytes()) if self.anew else 0
        for place, row in enumerate(rows.tolist()):
            random = np.random.default_rng([self.seed, row, batch])
            plain = (wanted[place] != NO_LABEL).numpy().nonzero()[0]
            count = max(1, round(self.share * len(plain)))
            chosen = random.permutation(plain)[:count]
            is_hidden[place, chosen] = True
            draw = random.random(len(chosen))
            ids[place, chosen[draw < MASKED]] = self.mask
            other = chosen[(draw >= MASKED) & (draw < MASKED + RANDOM)]
            ids[place, other] = random.integers(self.vocabulary, size=len(other))
        return torch.from_numpy(ids), torch.from_numpy(is_hidden)


@dataclass(frozen=True)
class Hiding:
    """That tokens are to be hidden, and how."""

    share: float
    seed: int
    anew: bool
    """Whether every batch hides others."""


def encode_text(
    documents: Documents,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    names: Iterable[str] | None = None,
    *,
    hiding: Hiding | None = None,
    count: int | None = None,
    seed: int = 0,
) -> Running:
    """The tokens of all documents, one after another, in rows as the tokenizer makes them of texts.

    Args:
        documents: the text.
        tokenizer: the model's.
        max_length: tokens of a row; the last one may be shorter.
        names: the model's inputs; left out, those that the tokenizer was made for.
        hiding: which tokens are to be guessed; left out: of every token the next one.
        count: at most so many rows, drawn by `seed`; left out: all.
        seed: of the draw.

    Raises:
        Problem: there is not even one token to be guessed, or no mask to hide it.
    """
    pad = padding(tokenizer, instead=tokenizer.eos_token_id or 0)
    given = [name for name in names or tokenizer.model_input_names if name in pad]
    before, after = _around(tokenizer)
    parts = _parts(documents, tokenizer, max_length - len(before) - len(after))
    parts = parts if count is None else _drawn(parts, count, seed)
    rows: list[Row] = []
    labels = torch.full((len(parts), max(map(len, parts)) + len(before) + len(after)), NO_LABEL)
    # asked for the next token, a model is asked one place before it
    first = len(before) - (hiding is None)
    for row, part in enumerate(parts):
        rows.append(_row([*before, *part, *after], given))
        labels[row, max(first, 0) : first + len(part)] = torch.tensor(part[max(-first, 0) :])
    lengths = torch.tensor([len(row["input_ids"]) for row in rows])
    padded = {name: pad[name] for name in given}
    found = Running(rows, lengths, labels, padded, 0, len(tokenizer))
    return found if hiding is None else _masked(found, tokenizer, hiding)


def _row(ids: list[int], names: Sequence[str]) -> Row:
    whole = {"input_ids": ids, "attention_mask": [1] * len(ids)}
    return {name: whole.get(name, [0] * len(ids)) for name in names}


def _drawn(parts: list[list[int]], count: int, seed: int) -> list[list[int]]:
    """`count` of the rows, in their order."""
    drawn = np.random.default_rng(seed).permutation(len(parts))[:count]
    return [parts[place] for place in sorted(drawn.tolist())]


def _masked(rows: Running, tokenizer: PreTrainedTokenizerBase, hiding: Hiding) -> Masked:
    if tokenizer.mask_token_id is None:
        raise Problem(
            "the tokenizer has no mask to hide a token behind",
            where="model.tokenizer",
            hint="set data.task to text-generation",
        )
    return Masked(**vars(rows), mask=tokenizer.mask_token_id, **vars(hiding))


def _parts(documents: Documents, tokenizer: PreTrainedTokenizerBase, room: int) -> list[list[int]]:
    """Stretches of `room` tokens; the last one is shorter, and has two at least."""
    tokens = [token for part in _tokens(documents, tokenizer) for token in part]
    found = [tokens[start : start + room] for start in range(0, len(tokens), max(room, 1))]
    if len(found) > 1 and len(found[-1]) < 2:
        found.pop()
    if not found or len(found[0]) < 2:
        what = f"{len(tokens)} tokens of text in rows of {room} leave nothing to guess"
        raise Problem(what, where="data", hint="give more text, or raise `max_length`")
    return found


def _tokens(documents: Documents, tokenizer: PreTrainedTokenizerBase) -> Iterator[list[int]]:
    """The tokens of each stretch, and what parts documents."""
    end = tokenizer.eos_token_id if tokenizer.sep_token_id is None else tokenizer.sep_token_id
    between = [end] if documents.apart and end is not None else []
    for start in range(0, len(documents), TOGETHER):
        part = documents.texts[start : start + TOGETHER]
        part = part if documents.apart else ["".join(part)]
        found: Any = tokenizer(part, add_special_tokens=False, verbose=False)
        for ids in found["input_ids"]:
            yield [*ids, *between]


def _around(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """The tokens that a tokenizer puts before and after a text."""
    found: Any = tokenizer("a", return_special_tokens_mask=True)
    ids, special = found["input_ids"], found["special_tokens_mask"]
    if 0 not in special:
        return ids, []
    first, last = special.index(0), len(special) - special[::-1].index(0)
    return ids[:first], ids[last:]
