"""Example inputs that a model accepts, found from its configuration or by watching it run."""

from __future__ import annotations

import inspect

import torch
from torch import Tensor, nn

from sparsify.errors import Problem
from sparsify.models.probe import watch
from sparsify.models.source import Source

NAMES = ("input_ids", "attention_mask", "token_type_ids")
"""What a tokenizer gives, in the order in which models take it."""


def input_names(source: Source) -> tuple[str, ...]:
    """Which of `NAMES` the model is called with.

    Token types only where the model tells at least two apart and the tokenizer, if there is one,
    gives them.

    Raises:
        Problem: the model's forward takes no `input_ids`, or needs something else.
    """
    parameters = inspect.signature(source.module.forward).parameters
    if "input_ids" not in parameters:
        raise Problem(
            f"forward takes no input_ids; its parameters: {', '.join(parameters) or 'none'}",
            where=source.name,
            hint=f"name them as a tokenizer does: {', '.join(NAMES)}",
        )
    for name, parameter in parameters.items():
        optional = parameter.default is not parameter.empty or parameter.kind in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        )
        if not optional and name not in NAMES:
            raise Problem(f"forward needs {name!r}, which no tokenizer gives", where=source.name)
    return tuple(
        name
        for name in NAMES
        if name in parameters and (name != "token_type_ids" or _tells_types_apart(source))
    )


def sequence_limit(source: Source) -> int | None:
    """The longest sequence that the model has positions for, or None where no limit is known."""
    if source.config is None:
        return watch(source.module, input_names(source)).positions
    limit = getattr(source.config, "max_position_embeddings", None)
    if not isinstance(limit, int) or limit < 1:
        return None
    for name, module in source.module.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
            # RoBERTa and MPNet count positions from behind the padding index.
            return limit if module.padding_idx is None else limit - module.padding_idx - 1
    return limit


def example_inputs(
    source: Source, *, batch: int = 2, sequence: int = 12
) -> tuple[dict[str, Tensor], dict[str, dict[int, str]]]:
    """Valid inputs, i64[batch, sequence] by name, and the dimensions that may vary by name.

    The first row is full, the others end in padding. A sequence longer than the model has
    positions for is cut to `sequence_limit`. The same arguments give the same values.

    Raises:
        Problem: the model's forward does not take what a tokenizer gives.
    """
    names = input_names(source)
    limit = sequence_limit(source)
    length = sequence if limit is None else min(sequence, limit)
    rows = torch.arange(batch)[:, None]
    places = torch.arange(length)[None, :]
    real = places < length - (rows % 4) * length // 4
    pad = _padding(source)
    inputs = {
        "input_ids": torch.where(real, _tokens(source, batch, length, pad), pad),
        "attention_mask": real.long(),
        "token_type_ids": (real & (places >= length // 2)).long(),
    }
    device = next((each.device for each in source.module.parameters()), torch.device("cpu"))
    dynamic = {name: {0: "batch", 1: "sequence"} for name in names}
    return {name: inputs[name].to(device) for name in names}, dynamic


def _tokens(source: Source, batch: int, length: int, pad: int) -> Tensor:
    """Random token ids, i64[batch, length], none of them padding where there is another."""
    count = _vocabulary(source)
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randint(0, max(count - 1, 1), (batch, length), generator=generator)
    return drawn if count == 1 else drawn + (drawn >= pad)


def _padding(source: Source) -> int:
    pad = getattr(source.config, "pad_token_id", None)
    if pad is None and source.tokenizer is not None:
        pad = source.tokenizer.pad_token_id
    return int(pad) if pad is not None and 0 <= pad < _vocabulary(source) else 0


def _vocabulary(source: Source) -> int:
    size = getattr(source.config, "vocab_size", None)
    if isinstance(size, int):
        return size
    rows = watch(source.module, input_names(source)).rows
    if "input_ids" not in rows:
        raise Problem(
            "no nn.Embedding reads input_ids, so the size of the vocabulary is unknown",
            where=source.name,
            hint="look tokens up with torch.nn.Embedding",
        )
    return rows["input_ids"]


def _tells_types_apart(source: Source) -> bool:
    tokenizer = source.tokenizer
    gives = tokenizer is None or "token_type_ids" in tokenizer.model_input_names
    if source.config is None:
        return gives
    types = getattr(source.config, "type_vocab_size", None)
    return gives and types > 1 if isinstance(types, int) else gives and tokenizer is not None
