"""What is known of a model's inputs: from its signature, its configuration, or by watching it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import cached_property

from torch import nn
from transformers import PretrainedConfig

from sparsify.errors import Problem
from sparsify.models.probe import Reach, watch
from sparsify.models.source import Source

TEXT = ("input_ids", "attention_mask", "token_type_ids")
"""What a tokenizer gives, in the order in which models take it."""
GIVE = "give its shape in capture.inputs"


class Facts:
    """What is known of one model."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.parameters = inspect.signature(source.module.forward).parameters

    @property
    def required(self) -> list[str]:
        """What forward cannot be called without."""
        return [
            name
            for name, parameter in self.parameters.items()
            if parameter.default is parameter.empty
            and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        ]

    def number(self, *names: str) -> int | None:
        """The first of these fields that is a positive number, in the configuration or below."""
        for name in names:
            for part in parts(self.source.config):
                value = getattr(part, name, None)
                if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                    return value
        return None

    def vocabulary(self, name: str = "input_ids") -> int:
        """How many different ids the input `name` may hold.

        Raises:
            Problem: neither the configuration nor an embedding tells.
        """
        size = self.number("vocab_size")
        if size is not None and name.endswith("input_ids"):
            return size
        if name not in self.reach.rows:
            raise Problem(
                f"no nn.Embedding reads {name}, so what it may hold is unknown",
                where=self.source.name,
                hint=GIVE,
            )
        return self.reach.rows[name]

    @property
    def positions(self) -> int | None:
        """The longest text, or None where no limit is known."""
        if self.source.config is None:
            return self.reach.positions
        named = map(self.number, ("max_position_embeddings", "max_target_positions"))
        limit = min((number for number in named if number is not None), default=None)
        for module in self.source.module.modules():
            if not isinstance(module, nn.Embedding) or limit is None or not module.padding_idx:
                continue
            if module.num_embeddings == limit:
                # some count positions from behind the padding index
                return limit - module.padding_idx - 1
        return limit

    @property
    def padding(self) -> int:
        """The id that fills the ends of rows."""
        pad = self.special("pad_token_id")
        if pad is None and self.source.tokenizer is not None:
            pad = self.source.tokenizer.pad_token_id
        return int(pad) if pad is not None and 0 <= pad < self.vocabulary() else 0

    def special(self, name: str) -> int | None:
        """A token of the configuration; some models list several ends, the first counts."""
        for part in parts(self.source.config):
            value = getattr(part, name, None)
            value = value[0] if isinstance(value, list) and value else value
            if isinstance(value, int) and value >= 0:
                return value
        return None

    @property
    def specials(self) -> set[int]:
        """Every token that the configuration has a special use for."""
        found = set()
        for part in parts(self.source.config):
            for name, value in part.to_dict().items():
                if name.endswith(("_token_id", "_token_index")) and isinstance(value, int):
                    found.add(value)
        return found

    @property
    def tells_types_apart(self) -> bool:
        """Whether token types mean anything to the model and its tokenizer."""
        tokenizer = self.source.tokenizer
        gives = tokenizer is None or "token_type_ids" in tokenizer.model_input_names
        if self.source.config is None:
            return gives
        types = getattr(self.source.config, "type_vocab_size", None)
        return gives and types > 1 if isinstance(types, int) else gives and tokenizer is not None

    @cached_property
    def reach(self) -> Reach:
        """What the module's embeddings have room for, seen in one small run.

        Raises:
            Problem: the run failed, so its inputs cannot be guessed.
        """
        names = [name for name in self.parameters if name in TEXT or name in self.required]
        return watch(self.source, tuple(names))


def parts(config: PretrainedConfig | None) -> Iterator[PretrainedConfig]:
    """A configuration, then those inside it."""
    waiting = [] if config is None else [config]
    while waiting:
        part = waiting.pop(0)
        yield part
        inside = (getattr(part, name, None) for name in part.sub_configs)
        waiting += [each for each in inside if isinstance(each, PretrainedConfig)]
