"""How far the ids of a plain module may go, found by watching its embeddings in one small run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sparsify.capture.blame import FAILURES, first_line
from sparsify.errors import Problem
from sparsify.models.source import Source

SHAPE = (2, 7)
"""Of the inputs that are tried: batch and sequence."""


@dataclass(frozen=True)
class Reach:
    """What the embeddings of a module have room for."""

    rows: dict[str, int]
    """Input name -> how many different ids it may hold; only inputs that an embedding reads."""
    positions: int | None
    """The longest sequence, or None where no embedding reads positions."""


def watch(source: Source, names: tuple[str, ...]) -> Reach:
    """Run the module once on zeros and ones, and see which embedding reads which input.

    Every embedding of at least two rows takes zeros and ones, so the run needs no knowledge.

    Raises:
        Problem: it does not run on integers.
    """
    inputs = {name: _pattern(name, place) for place, name in enumerate(names)}
    try:
        seen = _lookups(source.module, inputs)
    except FAILURES as error:
        taken = ", ".join(names) or "nothing by name"
        raise Problem(
            f"what forward takes ({taken}) cannot be guessed: it does not run on ids"
            f" ({first_line(error)})",
            where=source.name,
            hint="describe it in capture.inputs, such as `x: [batch, sequence, 64]`",
        ) from None
    rows: dict[str, int] = {}
    for name, value in inputs.items():
        sizes = [each.num_embeddings for each, ids in seen if _same(ids.cpu(), value)]
        if sizes:
            rows[name] = min(sizes)
    places = torch.arange(SHAPE[1])
    limits = [
        each.num_embeddings
        for each, ids in seen
        if _same(ids.cpu().reshape(-1)[: len(places)], places)
    ]
    return Reach(rows, min(limits, default=None))


def _lookups(module: nn.Module, inputs: dict[str, Tensor]) -> list[tuple[nn.Embedding, Tensor]]:
    """What every embedding reads in one run."""
    seen: list[tuple[nn.Embedding, Tensor]] = []

    def note(embedding: nn.Module, arguments: tuple[Any, ...]) -> None:
        if isinstance(embedding, nn.Embedding) and arguments:
            seen.append((embedding, arguments[0].detach().clone()))

    handles = [
        each.register_forward_pre_hook(note)
        for each in module.modules()
        if isinstance(each, nn.Embedding)
    ]
    training = module.training
    device = next((each.device for each in module.parameters()), torch.device("cpu"))
    try:
        with torch.no_grad():
            module.eval()(**{name: value.to(device) for name, value in inputs.items()})
    finally:
        module.train(training)
        for handle in handles:
            handle.remove()
    return seen


def _pattern(name: str, place: int) -> Tensor:
    """Zeros and ones, i64[2, 7], another order for each input; masks are ones and then zeros."""
    count = torch.arange(SHAPE[0] * SHAPE[1]).reshape(SHAPE)
    if "mask" in name:
        return (count % SHAPE[1] < SHAPE[1] - count // SHAPE[1]).long()
    return (count % (place + 3) == 0).long()


def _same(ids: Tensor, value: Tensor) -> bool:
    return ids.shape == value.shape and torch.equal(ids, value)
