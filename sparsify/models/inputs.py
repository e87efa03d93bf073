"""Example inputs that a model accepts: made from what is known of it, and tried."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from sparsify.capture.blame import FAILURES, blame, first_line
from sparsify.errors import Problem
from sparsify.examples import at_sizes, other_sizes
from sparsify.given import Input
from sparsify.models.facts import GIVE, Facts
from sparsify.models.given import WHERE, given_inputs
from sparsify.models.signals import input_features, input_values, pixel_values
from sparsify.models.source import Source
from sparsify.models.texts import (
    Example,
    Extent,
    attention_mask,
    bbox,
    decoder_input_ids,
    ids,
    input_ids,
    token_type_ids,
)

Inputs = tuple[dict[str, Tensor], dict[str, dict[int, str]]]
MAKERS: Mapping[str, Callable[[Facts, Extent], list[Example]]] = {
    "input_ids": input_ids,
    "bbox": bbox,
    "attention_mask": attention_mask,
    "token_type_ids": token_type_ids,
    "pixel_values": pixel_values,
    "input_values": input_values,
    "input_features": input_features,
    "decoder_input_ids": decoder_input_ids,
}
"""The inputs that are understood by their name, as tokenizers and processors name them."""
WORDS = ("input_ids", "bbox", "attention_mask", "token_type_ids")
DECODER = "decoder_input_ids"
WINDOWS = (16, 64, 128)
"""Lengths of texts that are tried where the one asked for does not do."""


def sequence_limit(source: Source) -> int | None:
    """The longest sequence that the model has positions for, or None where no limit is known."""
    return Facts(source).positions


def example_inputs(
    source: Source,
    *,
    batch: int = 2,
    sequence: int = 12,
    given: Mapping[str, Input] | None = None,
) -> Inputs:
    """Inputs that the model accepts, by name, and the dimensions that may vary, by name.

    Of text the first row is full, the others end in padding, unless the model wants full rows; a
    sequence longer than the model has positions for is cut. The same arguments give the same
    values.

    Args:
        source: the model.
        batch: how many examples.
        sequence: how many tokens; signals get about as many steps.
        given: the inputs as the user describes them; left out, they are made up.

    Raises:
        Problem: what the model takes cannot be guessed, or it does not accept what is given.
    """
    if given:
        return _described(source, given_inputs(source, given, batch=batch, sequence=sequence))
    refusal, second = "", None
    for number, proposal in enumerate(_proposals(Facts(source), batch, sequence)):
        inputs, dims = _placed(source, proposal)
        if says := _refusal(source, inputs):
            refusal = refusal or says
            continue
        resized = at_sizes(inputs, dims, other_sizes(inputs, dims), seed=number)
        if not _refusal(source, resized):
            return inputs, dims
        second = second or (inputs, dims)
    if second is None:
        what = f"no example inputs could be made: {refusal}"
        raise Problem(what, where=source.name, hint=GIVE)
    return second


def _described(source: Source, examples: Mapping[str, Example]) -> Inputs:
    inputs, dims = _placed(source, examples)
    if says := _refusal(source, inputs):
        raise Problem(f"{source.name} does not run on them: {says}", where=WHERE)
    return inputs, dims


def _proposals(facts: Facts, batch: int, sequence: int) -> Iterator[dict[str, Example]]:
    """Sets of inputs, the likeliest first; then longer texts, for models that work on windows."""
    for length in (sequence, *WINDOWS):
        for names in _selections(facts):
            is_text = any(name.endswith("input_ids") for name in names)
            if length != sequence and not is_text:
                continue
            for padded in (True, False) if is_text else (False,):
                extent = Extent(batch, length, padded)
                choices = [_made(facts, name, extent) for name in names]
                for each in itertools.product(*choices):
                    yield dict(zip(names, each, strict=True))


def _selections(facts: Facts) -> Iterator[list[str]]:
    """Which inputs to give: all that are understood, then fewer, then with the decoder's."""
    module, names = facts.source.module, facts.parameters
    main = str(getattr(module, "main_input_name", ""))
    needed = {*facts.required, main if main in names else "input_ids"} & names.keys()
    writes = getattr(module, "can_generate", None)
    known = [name for name in MAKERS if name in names and name != DECODER]
    if "input_ids" not in needed:
        known = [name for name in known if name in needed]
    elif not facts.tells_types_apart:
        known = [name for name in known if name != "token_type_ids" or name in needed]
    fewer = [name for name in known if name in WORDS or name in needed]
    more = sorted(needed - set(MAKERS))
    decoder = [DECODER] if DECODER in names else []
    if decoder and writes is not None and writes():
        yield known + decoder + more
        yield fewer + decoder + more
    yield known + more
    yield fewer + more
    if decoder:
        yield fewer + decoder + more


def _made(facts: Facts, name: str, extent: Extent) -> list[Example]:
    """All that an input may be; one that is not known by its name must go into an embedding."""
    if name not in MAKERS and "mask" in name:
        return attention_mask(facts, extent)
    if name in MAKERS:
        found = MAKERS[name](facts, extent)
    else:
        found = ids(facts, extent, name) if name in facts.reach.rows else []
    if not found:
        raise Problem(
            f"what forward's {name!r} takes cannot be guessed",
            where=facts.source.name,
            hint=f"{GIVE}, such as `{name}: [batch, sequence, 64]`",
        )
    return found


def _placed(source: Source, examples: Mapping[str, Example]) -> Inputs:
    """Values on the model's device, floats in the type of its weights, and dimensions."""
    first = next(source.module.parameters(), torch.empty(0))
    inputs, dims = {}, {}
    for name, example in examples.items():
        kind = first.dtype if example.value.is_floating_point() else example.value.dtype
        inputs[name] = example.value.to(first.device, kind)
        dims[name] = dict(example.dims)
    return inputs, dims


def _refusal(source: Source, inputs: Mapping[str, Tensor]) -> str:
    """Why the model does not run on `inputs`; empty where it does, or has no weights to tell."""
    if any(value.is_meta for value in inputs.values()):
        return ""
    training = source.module.training
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            source.module.eval()(**inputs)
    except FAILURES as error:
        return f"{first_line(error)} ({blame(error, source.module)})"
    finally:
        source.module.train(training)
    return ""
