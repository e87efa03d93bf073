"""A tensor that is made empty and then written piece by piece, as one concatenation."""

from __future__ import annotations

from torch import Tensor, fx

from sparsify.program import aten

EMPTY = {
    aten.empty.memory_format,
    aten.new_empty.default,
    aten.empty_like.default,
    aten.zeros.default,
    aten.new_zeros.default,
    aten.zeros_like.default,
}


def join_pieces(graph: fx.Graph) -> None:
    """Replace what is written in place, where the pieces lie side by side and fill it.

    What is computed stays the same, and every value of the graph is then what its operands make it.
    """
    for node in list(graph.nodes):
        if node.target not in EMPTY or (found := _pieces(node)) is None:
            continue
        dim, writes = found
        values = [write.args[1] for write in writes]
        order = {each: number for number, each in enumerate(graph.nodes)}
        with graph.inserting_after(max(writes, key=order.__getitem__)):
            joined = graph.call_function(aten.cat.default, (values, dim))
        joined.meta = dict(node.meta)
        node.replace_all_uses_with(joined, lambda user: user.target is not aten.slice.Tensor)
        for write in writes:
            piece = write.args[0]
            graph.erase_node(write)
            graph.erase_node(piece)  # type: ignore[arg-type]
        graph.erase_node(node)


def _pieces(node: fx.Node) -> tuple[int, list[fx.Node]] | None:
    """The dimension along which `node` is written, and the writes, from its first place to last."""
    place = {each: number for number, each in enumerate(node.graph.nodes)}
    slices = [each for each in node.users if each.target is aten.slice.Tensor]
    writes = [user for each in slices for user in each.users]
    dims = {each.args[1] if len(each.args) > 1 else 0 for each in slices}
    if len(dims) != 1 or len(writes) != len(slices) or not all(map(_fills, writes)):
        return None
    (dim,) = dims
    size = node.meta["val"].shape[dim]
    if not isinstance(dim, int) or not isinstance(size, int):
        return None
    bounds = [slice(*each.args[2:]) for each in slices]
    pieces = sorted((*each.indices(size), number) for number, each in enumerate(bounds))
    ends = [0, *(end for _, end, _, _ in pieces)]
    starts = [start for start, _, _, _ in pieces] + [size]
    last = max(place[write] for write in writes)
    readers = [each for each in node.users if each not in slices]
    whole = starts == ends and all(step == 1 for _, _, step, _ in pieces)
    if not whole or any(place[each] < last for each in readers):
        return None
    ordered = [writes[number] for *_, number in pieces]
    return dim, ordered


def _fills(write: fx.Node) -> bool:
    """Whether a write only hands on a value of the piece's own shape and type."""
    if write.target is not aten.copy_.default or write.users or len(write.args) != 2:
        return False
    piece, value = (each.meta.get("val") for each in write.all_input_nodes[:2])
    return (
        isinstance(piece, Tensor)
        and isinstance(value, Tensor)
        and piece.dtype is value.dtype
        and [*map(str, piece.shape)] == [*map(str, value.shape)]
    )
