"""Transformers that are no Hugging Face models: as someone would write them for themselves."""

from __future__ import annotations

import torch
from torch import Tensor, nn

WORDS, WIDTH, HEADS, INNER, LONGEST = 99, 32, 4, 48, 64


class MultiheadBlock(nn.Module):
    """Attention and feed-forward with the norms in front."""

    def __init__(self) -> None:
        super().__init__()
        self.first_norm = nn.LayerNorm(WIDTH)
        self.attention = nn.MultiheadAttention(WIDTH, HEADS, dropout=0.1, batch_first=True)
        self.second_norm = nn.LayerNorm(WIDTH)
        self.inner = nn.Sequential(
            nn.Linear(WIDTH, INNER), nn.GELU(), nn.Dropout(0.1), nn.Linear(INNER, WIDTH)
        )

    def forward(self, state: Tensor, hidden: Tensor) -> Tensor:
        """f32[batch, sequence, WIDTH] from the same and bool[batch, sequence]: what is padding."""
        normed = self.first_norm(state)
        mixed, _ = self.attention(
            normed, normed, normed, key_padding_mask=hidden, need_weights=False
        )
        state = state + mixed
        inner: Tensor = self.inner(self.second_norm(state))
        return state + inner


class Multihead(nn.Module):
    """A classifier of texts on nn.MultiheadAttention."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)
        self.positions = nn.Embedding(LONGEST, WIDTH)
        self.blocks = nn.ModuleList([MultiheadBlock() for _ in range(2)])
        self.head = nn.Linear(WIDTH, 3)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """f32[batch, 3] from i64[batch, sequence] and 1 where a token is no padding."""
        places = torch.arange(input_ids.shape[1], device=input_ids.device)
        state = self.words(input_ids) + self.positions(places)
        for block in self.blocks:
            state = block(state, attention_mask == 0)
        logits: Tensor = self.head(state[:, 0])
        return logits


class EinsumBlock(nn.Module):
    """Attention and a gated feed-forward, every product an einsum over bare parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.to_heads = nn.Parameter(torch.empty(3, HEADS, WIDTH, WIDTH // HEADS))
        self.from_heads = nn.Parameter(torch.empty(HEADS, WIDTH // HEADS, WIDTH))
        self.gate = nn.Parameter(torch.empty(WIDTH, INNER))
        self.up = nn.Parameter(torch.empty(WIDTH, INNER))
        self.down = nn.Parameter(torch.empty(INNER, WIDTH))
        for parameter in (self.to_heads, self.from_heads, self.gate, self.up, self.down):
            nn.init.normal_(parameter, std=0.1)
        self.drop = nn.Dropout(0.1)

    def forward(self, state: Tensor) -> Tensor:
        """f32[batch, sequence, WIDTH] from the same."""
        normed = self.norm(state)
        query, key, value = torch.einsum("bsd,khdw->kbhsw", normed, self.to_heads)
        scores = torch.einsum("bhqw,bhkw->bhqk", query, key) / (WIDTH // HEADS) ** 0.5
        mixed = torch.einsum("bhqk,bhkw->bqhw", self.drop(scores.softmax(-1)), value)
        state = state + torch.einsum("bqhw,hwd->bqd", mixed, self.from_heads)
        gate = torch.einsum("bsd,dn->bsn", state, self.gate).sigmoid()
        inner = gate * torch.einsum("bsd,dn->bsn", state, self.up)
        return state + torch.einsum("bsn,nd->bsd", inner, self.down)


class Einsum(nn.Module):
    """A tagger of tokens on einsum."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)
        self.blocks = nn.ModuleList([EinsumBlock() for _ in range(2)])
        self.head = nn.Parameter(torch.empty(3, WIDTH))
        nn.init.normal_(self.head, std=0.1)

    def forward(self, input_ids: Tensor) -> dict[str, Tensor]:
        """f32[batch, sequence, 3] under `scores`, from i64[batch, sequence]."""
        state = self.words(input_ids)
        for block in self.blocks:
            state = block(state)
        return {"scores": torch.einsum("bsd,cd->bsc", state, self.head)}
