"""More rows to learn from: copies in which some words are replaced by near ones."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from sparsify.cache import cache, keep_tensors, kept_tensors
from sparsify.data.batches import Encoded

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MARKS = ("##", "Ġ", "▁")
"""What tokens of usual vocabularies begin with where they go on with a word, or begin one."""
AT_ONCE = 1024
"""Words that are compared with the whole table together."""


def augmented(
    data: Encoded, near: Int[Tensor, "vocabulary count"], *, copies: int, share: float, seed: int
) -> Encoded:
    """`data`, and behind it `copies` of every row with the same label and other words.

    TinyBERT's way, which SparseBERT takes over: Jiao et al. 2019, arXiv:1909.10351, algorithm 1,
    with the model's own embeddings for what is near.

    Args:
        data: rows of token ids.
        near: what may stand for each token; a token that stays stands for itself.
        copies: of each row.
        share: of the tokens are drawn to be replaced.
        seed: of the draws; equal seeds give equal copies.
    """
    generator = torch.Generator().manual_seed(seed)
    rows = list(data.rows)
    lengths = data.lengths.tolist()
    for _ in range(copies):
        ids = torch.cat([torch.tensor(row["input_ids"]) for row in data.rows])
        drawn = torch.rand(len(ids), generator=generator) < share
        which = torch.randint(near.shape[1], (len(ids),), generator=generator)
        changed = torch.split(torch.where(drawn, near[ids, which], ids), lengths)
        rows += [
            {**row, "input_ids": part.tolist()}
            for row, part in zip(data.rows, changed, strict=True)
        ]
    return replace(
        data,
        rows=rows,
        lengths=data.lengths.repeat(copies + 1),
        labels=data.labels.repeat(copies + 1),
        full=data.full * (copies + 1),
    )


def neighbours(
    table: Float[Tensor, "vocabulary width"], kinds: Int[Tensor, " vocabulary"], count: int
) -> Int[Tensor, "vocabulary count"]:
    """The tokens of the same kind that are nearest to each by cosine; itself where it has no kind.

    Args:
        table: the embeddings.
        kinds: of each token; -1: it is replaced by nothing and replaces nothing.
        count: how many. Where fewer are of the kind, the token itself fills up.
    """
    unit = F.normalize(table.detach().float().cpu(), dim=-1)
    found = torch.arange(len(table))[:, None].repeat(1, count)
    for kind in torch.unique(kinds).tolist():
        members = (kinds == kind).nonzero().squeeze(1)
        if kind < 0 or len(members) < 2:
            continue
        most = min(count, len(members) - 1)
        for part in members.split(AT_ONCE):
            alike = unit[part] @ unit[members].T
            alike[part[:, None] == members[None, :]] = -torch.inf
            found[part, :most] = members[alike.topk(most, dim=1).indices]
    return found


def kinds(tokenizer: PreTrainedTokenizerBase, size: int) -> Int[Tensor, " size"]:
    """Of each token of a vocabulary: by how it begins; -1 for what is no word or part of one."""
    special = set(tokenizer.all_special_ids)
    tokens = tokenizer.convert_ids_to_tokens(list(range(min(size, len(tokenizer)))))
    found = torch.full((size,), -1)
    for number, token in enumerate(tokens):
        if token is None or number in special:
            continue
        mark = next((place for place, m in enumerate(MARKS, 1) if token.startswith(m)), 0)
        word = token.removeprefix(MARKS[mark - 1]) if mark else token
        if word.isalpha():
            found[number] = mark
    return found


def kept_neighbours(table: Tensor, of_kind: Tensor, count: int) -> Tensor:
    """`neighbours`, from the cache where they are, under a key of all that they depend on."""
    sha = hashlib.sha256(str((tuple(table.shape), count)).encode())
    for tensor in (table.detach().float().cpu(), of_kind):
        sha.update(tensor.contiguous().numpy().tobytes())
    path = cache() / "neighbours" / sha.hexdigest()[:24] / "neighbours.safetensors"
    if (kept := kept_tensors(path)) is not None:
        return kept["neighbours"].long()
    found = neighbours(table, of_kind, count)
    keep_tensors(path, {"neighbours": found.to(torch.int32)})
    return found
