"""Patterns: which weights may be zero together? Two forms, told apart by what they ask for.

Asked for `scores`, a pattern stays inside one weight: scores of its weights in, scores of its units
out. A unit covers a whole number of weights along every dimension and is kept or zeroed as one; an
infinite score keeps it whatever the sparsity. Weights lie as [out, in, ...].

Asked for `program`, a pattern names places whose units reach through several weights: structures
that the analysis found, or the residual branches.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from sparsify.analysis.blocks import blocks
from sparsify.analysis.coupling import structures
from sparsify.analysis.structures import Structure
from sparsify.errors import Problem
from sparsify.kinds import pattern
from sparsify.program import Program

Size = Annotated[int, Field(gt=0)]

NARROWER = "leave it out of the targets, or choose another pattern"
"""What to do where a weight does not fit a pattern."""


@pattern
def element(scores: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Every weight for itself: unstructured sparsity."""
    return scores


@pattern
def block(
    scores: Float[Tensor, "out in *rest"], *, shape: tuple[Size, Size] = (4, 1)
) -> Float[Tensor, "rows columns *rest"]:
    """Blocks of [out, in] weights, scored by their mean. Lagunas et al. 2021, arXiv:2109.04838."""
    sizes = [*scores.shape]
    if sizes[0] % shape[0] or sizes[1] % shape[1]:
        what = f"{_by(sizes)} does not divide into blocks of {_by(shape)}"
        raise Problem(what, hint=NARROWER)
    rows, columns = sizes[0] // shape[0], sizes[1] // shape[1]
    return scores.reshape(rows, shape[0], columns, shape[1], *sizes[2:]).mean((1, 3))


@pattern
def row(scores: Float[Tensor, "out *rest"]) -> Float[Tensor, "out *ones"]:
    """Whole rows: all that makes one output channel, scored by its mean."""
    return scores.mean(tuple(range(1, scores.ndim)), keepdim=True)


@pattern
def column(scores: Float[Tensor, "out in *rest"]) -> Float[Tensor, "1 in *ones"]:
    """Whole columns: all that reads one input channel, scored by its mean."""
    return scores.mean((0, *range(2, scores.ndim)), keepdim=True)


@pattern
def n_of_m(
    scores: Float[Tensor, "out in *rest"], *, n: Size = 2, m: Size = 4
) -> Float[Tensor, "out in *rest"]:
    """At most m - n zeros among m neighbours along the input; the n largest always stay.

    Mishra et al. 2021, arXiv:2104.08378, section 4.1. A sparsity of 1 - n / m fills the pattern.
    """
    if n > m or scores.shape[1] % m:
        raise Problem(f"{_by(scores.shape)} does not divide into {n} of {m}", hint=NARROWER)
    groups = scores.reshape(len(scores), -1, m, *scores.shape[2:])
    largest = groups.topk(n, dim=2).indices
    kept: Tensor = groups.scatter(2, largest, math.inf).flatten(1, 2)
    return kept


@pattern
def head(program: Program) -> list[Structure]:
    """Attention heads; where query heads share a key and value head, the whole group."""
    return [each for each in structures(program) if each.kind in ("head", "kv-group")]


@pattern
def kv_group(program: Program) -> list[Structure]:
    """Key and value heads that are shared, each with all of its query heads."""
    return [each for each in structures(program) if each.kind == "kv-group"]


@pattern
def neuron(program: Program) -> list[Structure]:
    """Channels between the two products of a feed-forward network, gated or not."""
    return [each for each in structures(program) if each.kind == "neuron"]


@pattern
def width(program: Program) -> list[Structure]:
    """Channels of the hidden state, through every layer."""
    return [each for each in structures(program) if each.kind == "width"]


@dataclass(frozen=True)
class Branches:
    """Residual branches of one kind, each of them a unit."""

    kind: ClassVar[str] = "layer"
    frozen: ClassVar[str] = ""
    name: str
    parameters: tuple[tuple[str, ...], ...]
    """Those of each branch."""


@pattern
def layer(program: Program) -> list[Branches]:
    """Whole residual branches: the attentions of all layers, and the feed-forward networks."""
    found: dict[str, dict[tuple[str, ...], None]] = {}
    for each in blocks(program):
        for branch in each.branches:
            if branch.kind != "other":
                # layers that share their weights go together
                found.setdefault(branch.kind, {})[branch.parameters] = None
    return [Branches(kind, tuple(branches)) for kind, branches in found.items()]


def _by(sizes: tuple[int, ...] | list[int]) -> str:
    return " x ".join(map(str, sizes))
