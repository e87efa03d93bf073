"""More transformers of one's own: torch's decoder, shared keys, branches of low rank."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.zoo.plain import HEADS, INNER, WIDTH, WORDS

SIZE, RANK = WIDTH // HEADS, 4


class Decoder(nn.Module):
    """torch's own decoder, which reads one text and writes another, with a causal mask."""

    def __init__(self) -> None:
        super().__init__()
        self.read, self.written = nn.Embedding(WORDS, WIDTH), nn.Embedding(WORDS, WIDTH)
        layer = nn.TransformerDecoderLayer(WIDTH, HEADS, INNER, batch_first=True, norm_first=True)
        self.decoder = nn.TransformerDecoder(layer, 2)
        self.head = nn.Linear(WIDTH, WORDS)

    def forward(self, memory_ids: Tensor, input_ids: Tensor) -> Tensor:
        """f32[batch, written, WORDS] from i64[batch, read] and i64[batch, written]."""
        length = input_ids.shape[1]
        hidden = torch.ones(length, length, dtype=torch.bool, device=input_ids.device).triu(1)
        state = self.decoder(self.written(input_ids), self.read(memory_ids), tgt_mask=hidden)
        logits: Tensor = self.head(state)
        return logits


class OneKeyBlock(nn.Module):
    """All heads share a key and a value; einsums with an ellipsis, and of three operands."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(WIDTH)
        self.query = nn.Parameter(torch.empty(WIDTH, HEADS, SIZE))
        self.key = nn.Parameter(torch.empty(WIDTH, SIZE))
        self.value = nn.Parameter(torch.empty(WIDTH, SIZE))
        self.output = nn.Parameter(torch.empty(HEADS, SIZE, WIDTH))
        self.inner = nn.Sequential(nn.Linear(WIDTH, INNER), nn.ReLU(), nn.Linear(INNER, WIDTH))

    def forward(self, state: Tensor) -> Tensor:
        """f32[batch, sequence, WIDTH] from the same."""
        normed = self.norm(state)
        query = torch.einsum("...td,dhk->...htk", normed, self.query)
        key = torch.einsum("...td,dk->...tk", normed, self.key)
        value = torch.tensordot(normed, self.value, 1)
        chances = torch.einsum("bhtk,bsk->bhts", query, key).softmax(-1)
        state = state + torch.einsum("bhts,bsk,hkd->btd", chances, value, self.output)
        inner: Tensor = self.inner(state)
        return state + inner


class OneKey(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)
        self.blocks = nn.Sequential(OneKeyBlock(), OneKeyBlock())
        self.head = nn.Linear(WIDTH, 3)

    def forward(self, input_ids: Tensor) -> tuple[Tensor, Tensor]:
        """f32[batch, sequence, 3] and f32[batch, WIDTH] from i64[batch, sequence]."""
        state = self.blocks(self.words(input_ids))
        return self.head(state), state.mean(1)


class Branched(nn.Module):
    """A linear that stays, and beside it one of low rank that learns."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.stays = nn.Linear(width, out).requires_grad_(False)
        self.down, self.up = nn.Linear(width, RANK, bias=False), nn.Linear(RANK, out, bias=False)

    def forward(self, state: Tensor) -> Tensor:
        """f32[..., out] from f32[..., width]."""
        found: Tensor = self.stays(state) + 2.0 * self.up(self.down(state))
        return found


class LowRank(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)
        self.query, self.value = Branched(WIDTH, WIDTH), Branched(WIDTH, WIDTH)
        self.key, self.output = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = Branched(WIDTH, INNER), Branched(INNER, WIDTH)
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 3)

    def forward(self, input_ids: Tensor) -> Tensor:
        """f32[batch, sequence, 3] from i64[batch, sequence]."""
        state = self.words(input_ids)
        parts = (each(state) for each in (self.query, self.key, self.value))
        query, key, value = (part.unflatten(-1, (HEADS, SIZE)).transpose(1, 2) for part in parts)
        mixed = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        state = self.norm(state + self.output(mixed))
        logits: Tensor = self.head(state + self.down(F.gelu(self.up(state))))
        return logits
