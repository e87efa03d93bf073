"""What flows into weights as the program was, beside what flows into them as it is by now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from torch import Tensor, fx, nn

from sparsify.analysis.branches import Anatomy
from sparsify.analysis.products import Product
from sparsify.program import Program, aten
from sparsify.statistics.inputs import flat, is_rowwise, tokens
from sparsify.statistics.samples import pieces
from sparsify.statistics.wave import Wave

Both = tuple[Tensor, Tensor, Tensor | None]
"""f32[rows, in] as the program was before the first change; the same as what was changed before has
made it; f32[rows, out]: how far the residual stream has moved that the result is added to, the
first less the second; None: it is added to none."""


@dataclass(frozen=True)
class Pair:
    """The rows that one product reads, without padding."""

    weight: str
    axis: int
    """The axis of the weight along which it reads them."""
    rows: Iterator[Both]
    """For one batch after another, computed when it is asked for, before the weight is written."""


def pairs(program: Program, weights: Collection[str]) -> Iterator[Pair]:
    """Both inputs of every product of `weights`, in graph order, just before it is computed.

    What is written into a weight when all of its pair's rows are through is what the second inputs
    are computed with from there on; the first go on without it. Weights of more than one product,
    and of products that multiply no rows, are passed over. Little is kept for all batches, as by
    `inflows`.

    Raises:
        Problem: there are no samples.
    """
    batches = pieces(program)
    anatomy = program.remember(Anatomy)
    uses = _uses(anatomy, weights)
    training = program.module.training
    program.module.eval()
    try:
        was, now = Wave(program, batches), Wave(program, batches)
        for node in was.nodes:
            if (use := uses.get(node)) is not None:
                was.settle(node)
                now.settle(node)
                rows = _rows(anatomy, was, now, use, tokens(program, use, batches))
                yield Pair(use.weight, use.reads[0], rows)
    finally:
        program.module.train(training)


def _uses(anatomy: Anatomy, weights: Collection[str]) -> dict[fx.Node, Product]:
    """The products of those of `weights` that have one, and it multiplies rows."""
    often = Counter(use.weight for use in anatomy.products.values())
    return {
        node: use
        for node, use in anatomy.products.items()
        if use.weight in weights and often[use.weight] == 1 and is_rowwise(anatomy.program, use)
    }


def _rows(
    anatomy: Anatomy, was: Wave, now: Wave, use: Product, kept: list[Tensor | None]
) -> Iterator[Both]:
    stream = _stream(anatomy, use)
    others = [] if stream is None else [stream]
    # the first run passes the product here, while its weight is what it was
    passing = was.passing(use.node, _behind(anatomy, was, use))
    for first, second, chosen in zip(passing, now.reach(use.node, *others), kept, strict=True):
        yield (
            flat(first[use.activation], chosen),
            flat(second[use.activation], chosen),
            None if stream is None else flat(first[stream] - second[stream], chosen),
        )


def _behind(anatomy: Anatomy, wave: Wave, use: Product) -> int:
    """The place of the next product: what is added to the result of `use` is added by then."""
    place = wave.place_of[use.node] + 1
    while place < len(wave.nodes) and wave.nodes[place] not in anatomy.products:
        place += 1
    return place


def _stream(anatomy: Anatomy, use: Product) -> fx.Node | None:
    """The residual stream that the result of a product is added to as it is, or None."""
    for addition in anatomy.additions:
        if len(addition.deltas) != 1 or not _is_known(anatomy, addition.stream, use.node):
            continue
        node: fx.Node | None = addition.deltas[0]
        while node is not None and node is not use.node:
            node = _unchanged(anatomy.program, node, use)
        if node is not None:
            return addition.stream
    return None


def _is_known(anatomy: Anatomy, stream: fx.Node, node: fx.Node) -> bool:
    """Whether the stream has been computed when `node` is about to be."""
    return anatomy.flow.before(stream) < anatomy.flow.before(node)


def _unchanged(program: Program, node: fx.Node, use: Product) -> fx.Node | None:
    """What `node` hands on in evaluation but for the product's bias, or None."""
    if node.op == "call_module":
        part = program.module.get_submodule(str(node.target))
        return node.all_input_nodes[0] if isinstance(part, nn.Dropout) else None
    if node.target is aten.add.Tensor and use.bias:
        return next((each for each in node.all_input_nodes if each is use.node), None)
    return None
