"""The text of a program, line by line, with the layer and the weight that each line belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import fx

from sparsify.analysis.blocks import blocks
from sparsify.analysis.branches import Anatomy
from sparsify.inspection.facts import ModelFacts
from sparsify.program import Program
from sparsify.text import to_text


@dataclass(frozen=True)
class GraphLine:
    """One line of a program's text."""

    number: int
    text: str
    layer: str
    """The repeated layer that the call lies in, or empty."""
    role: str
    """Of the weight that the call multiplies by, or empty."""
    sparsity: float
    """The share of zeros of that weight, 0 to 1."""


def graph_lines(program: Program, model: ModelFacts) -> Iterator[GraphLine]:
    """One line a call, as `to_text` writes it, between that of the inputs and that of the outputs.

    Args:
        program: whose text it is.
        model: what is known of its weights.
    """
    anatomy = program.remember(Anatomy)
    weights = {weight.name: weight for weight in model.weights}
    layers = _layers(program, anatomy)
    calls = iter([n for n in program.graph.nodes if n.op in ("call_function", "call_module")])
    lines = to_text(program).splitlines()
    for number, text in enumerate(lines, start=1):
        node = next(calls, None) if 1 < number < len(lines) else None
        use = anatomy.products.get(node) if node is not None else None
        weight = weights[use.weight] if use is not None else None
        yield GraphLine(
            number,
            text,
            layers.get(node, "") if node is not None else "",
            weight.role if weight is not None else "",
            weight.sparsity if weight is not None else 0.0,
        )


def _layers(program: Program, anatomy: Anatomy) -> dict[fx.Node, str]:
    """Node -> the layer that it lies in."""
    found: dict[fx.Node, str] = {}
    for block in blocks(program):
        found |= dict.fromkeys(anatomy.between(block.input, block.output), block.name)
    return found
