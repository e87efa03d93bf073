"""Attention as one operator, which needs no turned copies of queries, keys and values."""

from __future__ import annotations

from dataclasses import dataclass

import onnx_ir as ir
from onnx import FunctionProto, helper

from sparsify.runtime.domains import DOMAIN

TOKENS_FIRST, WIDTH_FIRST, LAST_TWO = [0, 2, 1, 3], [0, 2, 3, 1], [0, 1, 3, 2]
NAMES = {False: "Attention", True: "MaskedAttention"}


@dataclass(frozen=True)
class Heads:
    """softmax(query key^T * scale + mask) value; tensors are [batch, tokens, heads, width]."""

    query: ir.Value
    key: ir.Value
    value: ir.Value
    scale: ir.Value
    mask: ir.Value | None
    last: ir.Node


def function(masked: bool, opset: int) -> FunctionProto:
    """The operator in standard operators of `opset`."""
    scores = [helper.make_node("Mul", ["products", "scale"], ["scores"])]
    if masked:
        scores.append(helper.make_node("Add", ["scores", "mask"], ["allowed"]))
    return helper.make_function(
        DOMAIN,
        NAMES[masked],
        ["Q", "K", "V", "scale", *(["mask"] if masked else [])],
        ["Y"],
        [
            helper.make_node("Transpose", ["Q"], ["queries"], perm=TOKENS_FIRST),
            helper.make_node("Transpose", ["K"], ["keys"], perm=WIDTH_FIRST),
            helper.make_node("Transpose", ["V"], ["values"], perm=TOKENS_FIRST),
            helper.make_node("MatMul", ["queries", "keys"], ["products"]),
            *scores,
            helper.make_node("Softmax", [scores[-1].output[0]], ["shares"], axis=-1),
            helper.make_node("MatMul", ["shares", "values"], ["mixed"]),
            helper.make_node("Transpose", ["mixed"], ["Y"], perm=TOKENS_FIRST),
        ],
        [helper.make_opsetid("", opset)],
    )


def join_heads(model: ir.Model) -> None:
    """Make one operator of every attention that is written as MatMul, Softmax, MatMul."""
    for node in list(model.graph):
        if found := _heads(node):
            masked = [] if found.mask is None else [found.mask]
            inputs = [found.query, found.key, found.value, found.scale, *masked]
            made = function(bool(masked), model.graph.opset_imports[""])
            ir_function = ir.serde.deserialize_function(made)
            model.functions[ir_function.identifier()] = ir_function
            new = ir.node(NAMES[bool(masked)], inputs, domain=DOMAIN, name=node.name)
            last, output = node.outputs[0], new.outputs[0]
            output.name, output.type, output.shape = last.name, last.type, last.shape
            model.graph.insert_before(node, new)
            ir.convenience.replace_all_uses_with(last, output, replace_graph_outputs=True)
            remove(model.graph, node)


def remove(graph: ir.Graph, node: ir.Node) -> None:
    """Take out a node that nothing reads, and what was made for it alone."""
    before = [value.producer() for value in node.inputs if value is not None]
    graph.remove(node, safe=True)
    for each in dict.fromkeys(before):
        read = each is None or any(out.consumers() or out.is_graph_output() for out in each.outputs)
        if each is not None and not read:
            remove(graph, each)


def _heads(node: ir.Node) -> Heads | None:
    mixed = _turned(node.outputs[0], TOKENS_FIRST)
    product = _made_by(_before_reshape(mixed), "MatMul")
    if product is None:
        return None
    softmax, value = (
        _made_by(product.inputs[0], "Softmax"),
        _turned(product.inputs[1], TOKENS_FIRST),
    )
    if softmax is None or value is None or not _over_keys(softmax):
        return None
    scores, mask = _masked(softmax.inputs[0])
    scores, scale = _scaled(scores)
    products = _made_by(scores, "MatMul")
    if products is None:
        return None
    queries, keys = products.inputs
    if scale is None:
        queries, scale = _scaled(queries)
    query = _turned(queries, TOKENS_FIRST)
    key = _turned(keys, WIDTH_FIRST) or _turned(_turned(keys, LAST_TWO), TOKENS_FIRST)
    if query is None or key is None or scale is None:
        return None
    known = all(each.dtype in (None, ir.DataType.FLOAT) for each in (query, key, value))
    return Heads(query, key, value, scale, mask, node) if known else None


def _made_by(value: ir.Value | None, kind: str) -> ir.Node | None:
    """The node that makes `value`, if it is of that kind."""
    node = None if value is None else value.producer()
    return node if node is not None and node.op_type == kind and not node.domain else None


def _turned(value: ir.Value | None, order: list[int]) -> ir.Value | None:
    """What `value` is a Transpose of, if its dimensions are in that order."""
    node = _made_by(value, "Transpose")
    if node is None or list(node.attributes["perm"].as_ints()) != order:
        return None
    return node.inputs[0]


def _before_reshape(value: ir.Value | None) -> ir.Value | None:
    """What is the same before a Reshape that changes nothing, or `value`."""
    node = _made_by(value, "Reshape")
    before = None if node is None else node.inputs[0]
    if before is None or value is None or value.shape is None or before.shape != value.shape:
        return value
    known = all(isinstance(size, int) or size.value is not None for size in value.shape)
    return before if known else value


def _over_keys(softmax: ir.Node) -> bool:
    """Whether its shares are those of the keys, and nothing but the product reads them."""
    axis, shares = softmax.attributes.get("axis"), softmax.outputs[0]
    alone = len(list(shares.consumers())) == 1 and not shares.is_graph_output()
    return alone and (axis is None or axis.as_int() in (-1, 3))


def _scaled(value: ir.Value | None) -> tuple[ir.Value | None, ir.Value | None]:
    """What a stored number is multiplied with, and the number."""
    node = _made_by(value, "Mul")
    for number, other in zip(node.inputs, reversed(node.inputs), strict=True) if node else ():
        if number is not None and _is_number(number):
            return other, number
    return value, None


def _is_number(value: ir.Value) -> bool:
    tensor = value.const_value
    known = value.is_initializer() and tensor is not None and tensor.dtype == ir.DataType.FLOAT
    return known and tensor is not None and tensor.size == 1 and len(tensor.shape) <= 1


def _masked(value: ir.Value | None) -> tuple[ir.Value | None, ir.Value | None]:
    """The scores and the mask that is added to them."""
    node = _made_by(value, "Add")
    for scores, mask in zip(node.inputs, reversed(node.inputs), strict=True) if node else ():
        if _made_by(_scaled(scores)[0], "MatMul") and mask is not None:
            return scores, mask
    return value, None
