"""Rows of any task as token ids, in the way that the recipe says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparsify.data.batches import Encoded, encode
from sparsify.data.language import HIDDEN, Hiding, encode_text
from sparsify.data.loading import FIXED
from sparsify.data.spans import encode_questions
from sparsify.data.tagged import encode_sentences
from sparsify.data.text import Documents, Questions, Rows, Sentences, Split
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
    tags: tuple[str, ...] = ()
    """By id."""
    seed: int = 0

    def train(self, rows: Rows) -> Encoded:
        """Rows to learn from.

        Raises:
            Problem: the tokenizer lacks what the task needs, or there is no room for it.
        """
        return self._encoded(rows, self.spec.train_rows, self.seed, learned=True)

    def validation(self, rows: Rows) -> Encoded:
        """Rows to be measured on: the same ones whatever the seed.

        Raises:
            Problem: as for `train`.
        """
        return self._encoded(rows, self.spec.validation_rows, FIXED, learned=False)

    def _encoded(self, rows: Rows, count: int | None, seed: int, *, learned: bool) -> Encoded:
        spec, tokenizer, names = self.spec, self.tokenizer, self.names
        match rows:
            case Questions():
                options = {"stride": spec.stride, "longest_answer": spec.max_answer_length}
                return encode_questions(rows, tokenizer, self.length, names, **options)
            case Sentences():
                return encode_sentences(rows, tokenizer, self.length, names, tags=self.tags)
            case Documents():
                hiding = Hiding(spec.hidden or HIDDEN, seed, learned)
                return encode_text(
                    rows,
                    tokenizer,
                    self.length,
                    names,
                    hiding=hiding if spec.task == "fill-mask" else None,
                    count=count,
                    seed=seed,
                )
        assert isinstance(rows, Split)
        return encode(rows, tokenizer, spec.max_length, names)

    @property
    def length(self) -> int:
        """Tokens of a row: as many as the recipe says, if tokenizer and model take them."""
        limits = (self.spec.max_length, self.tokenizer.model_max_length, self.longest)
        return min(limit for limit in limits if limit)
