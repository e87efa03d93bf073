"""What flows into weights as the program was, beside what flows into them as it is by now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from torch import Tensor, fx, nn

from sparsify.analysis.branches import Anatomy
from sparsify.analysis.products import Product
from sparsify.program import Program, aten
from sparsify.statistics.inputs import is_rowwise, tokens
from sparsify.statistics.samples import samples
from sparsify.statistics.wave import Wave


@dataclass(frozen=True)
class Pair:
    """The rows that one product reads, without padding, for each batch."""

    weight: str
    axis: int
    """The axis of the weight along which it reads them."""
    was: tuple[Tensor, ...]
    """f32[rows, in]: as the program was before the first change."""
    now: tuple[Tensor, ...]
    """f32[rows, in]: as what was changed before has made them."""
    missing: tuple[Tensor, ...] | None
    """f32[rows, out]: how far the residual stream has moved that the result is added to, was - now;
    None: it is added to none."""


def pairs(program: Program, weights: Collection[str]) -> Iterator[Pair]:
    """Both inputs of every product of `weights`, in graph order, just before it is computed.

    What is written into a weight when its pair is yielded is what `now` is computed with from there
    on; `was` goes on without it. Weights of more than one product, and of products that multiply no
    rows, are passed over.

    Raises:
        Problem: there are no samples.
    """
    batches = samples(program)
    anatomy = program.remember(Anatomy)
    uses = _uses(anatomy, weights)
    training = program.module.training
    program.module.eval()
    try:
        was, now = Wave(program, batches), Wave(program, batches)
        for node in was.nodes:
            if (use := uses.pop(node, None)) is not None:
                kept = tokens(program, use, batches)
                first, second = (_rows(wave.values(use.activation), kept) for wave in (was, now))
                missing = _missing(_stream(anatomy, use), was, now, kept)
                # before the weight is changed
                was.compute(node)
                yield Pair(use.weight, use.reads[0], first, second, missing)
                del first, second, missing
                if not uses:
                    return
            else:
                was.compute(node)
            now.compute(node)
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


def _missing(
    stream: fx.Node | None, was: Wave, now: Wave, kept: list[Tensor | None]
) -> tuple[Tensor, ...] | None:
    if stream is None:
        return None
    moved = zip(was.values(stream), now.values(stream), strict=True)
    return _rows([a - b for a, b in moved], kept)


def _rows(values: list[Tensor], kept: list[Tensor | None]) -> tuple[Tensor, ...]:
    flat = [value.reshape(-1, value.shape[-1]).float() for value in values]
    return tuple(
        rows if chosen is None else rows[chosen] for rows, chosen in zip(flat, kept, strict=True)
    )


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
