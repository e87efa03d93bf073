"""Rows of any task as token ids, in the way that the recipe says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparsify.data.batches import Encoded, encode
from sparsify.data.spans import encode_questions
from sparsify.data.text import Questions, Rows, Split
from sparsify.recipe_data import Data

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Encoder:
    """Makes token ids of rows."""

    spec: Data
    tokenizer: PreTrainedTokenizerBase
    names: Sequence[str]
    """The model's inputs."""
    longest: int | None = None
    """The most tokens that the model takes; None: any number."""

    def __call__(self, rows: Rows) -> Encoded:
        """Raises a Problem where the tokenizer lacks what the task needs."""
        spec, tokenizer, names = self.spec, self.tokenizer, self.names
        if isinstance(rows, Split):
            return encode(rows, tokenizer, spec.max_length, names)
        assert isinstance(rows, Questions)
        return encode_questions(
            rows,
            tokenizer,
            self.length,
            names,
            stride=spec.stride,
            longest_answer=spec.max_answer_length,
        )

    @property
    def length(self) -> int:
        """Tokens of a row: as many as the recipe says, if tokenizer and model take them."""
        limits = (self.spec.max_length, self.tokenizer.model_max_length, self.longest)
        return min(limit for limit in limits if limit)
