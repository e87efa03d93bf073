"""Example inputs that stand for text: ids, masks, types, boxes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sparsify.models.facts import Facts

SHORTER = 3
"""By how many tokens the decoder's text is shorter: no two dimensions may be of one size."""
PAGE = 1000
"""Boxes of words lie on a page of this width and height."""


@dataclass(frozen=True)
class Example:
    """A tensor, and those of its dimensions that may vary, by name."""

    value: Tensor
    dims: dict[int, str]


@dataclass(frozen=True)
class Extent:
    """How large example inputs shall be."""

    batch: int
    sequence: int
    padded: bool
    """Whether all rows but the first end in padding."""


def input_ids(facts: Facts, extent: Extent) -> list[Example]:
    """Token ids; where the model knows an end, every row has one, at its end."""
    ids = torch.where(_real(facts, extent), _tokens(facts, extent), facts.padding)
    return [Example(ids, {0: "batch", 1: "sequence"})]


def ids(facts: Facts, extent: Extent, name: str) -> list[Example]:
    """Ids for an input of the user's own naming that an embedding reads."""
    shape = (extent.batch, _length(facts, extent))
    drawn = torch.randint(facts.vocabulary(name), shape, generator=_random())
    return [Example(drawn, {0: "batch", 1: "sequence"})]


def attention_mask(facts: Facts, extent: Extent) -> list[Example]:
    return [Example(_real(facts, extent).long(), {0: "batch", 1: "sequence"})]


def token_type_ids(facts: Facts, extent: Extent) -> list[Example]:
    """Zeros, then ones: a pair of texts."""
    length = _length(facts, extent)
    second = torch.arange(length)[None, :] >= length // 2
    return [Example((_real(facts, extent) & second).long(), {0: "batch", 1: "sequence"})]


def bbox(facts: Facts, extent: Extent) -> list[Example]:
    """Where each word stands on its page: left, top, right, bottom."""
    page = min(PAGE, facts.number("max_2d_position_embeddings") or PAGE)
    shape = (extent.batch, _length(facts, extent), 2)
    corners = torch.randint(0, page // 2, shape, generator=_random())
    boxes = torch.cat([corners, corners + page // 2 - 1], dim=-1)
    return [Example(boxes, {0: "batch", 1: "sequence"})]


def decoder_input_ids(facts: Facts, extent: Extent) -> list[Example]:
    """Token ids of what was written so far, of another length than what was read."""
    length = max(1, _length(facts, extent) - SHORTER)
    ids = _draw(facts, (extent.batch, length))
    return [Example(ids, {0: "batch", 1: "decoder_sequence"})]


def _length(facts: Facts, extent: Extent) -> int:
    limit = facts.positions
    return extent.sequence if limit is None else min(extent.sequence, limit)


def _real(facts: Facts, extent: Extent) -> Tensor:
    """bool[batch, sequence]: where no padding stands."""
    length = _length(facts, extent)
    rows = torch.arange(extent.batch)[:, None] * extent.padded
    return torch.arange(length)[None, :] < length - (rows % 4) * length // 4


def _tokens(facts: Facts, extent: Extent) -> Tensor:
    ids = _draw(facts, (extent.batch, _length(facts, extent)))
    end = facts.special("eos_token_id")
    if end is not None and end < facts.vocabulary():
        lengths = _real(facts, extent).sum(dim=1)
        ids[torch.arange(extent.batch), lengths - 1] = end
    return ids


def _draw(facts: Facts, shape: tuple[int, int]) -> Tensor:
    """Random ids, none of them special where there are others."""
    count = facts.vocabulary()
    special = {*facts.specials, facts.padding}
    plain = [token for token in range(count) if token not in special] or list(range(count))
    return torch.tensor(plain)[torch.randint(len(plain), shape, generator=_random())]


def _random() -> torch.Generator:
    return torch.Generator().manual_seed(0)
