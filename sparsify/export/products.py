"""Linear layers in an ONNX graph: a product with a weight, its bias and its activation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import onnx_ir as ir

from sparsify.export.simplify import is_weight


@dataclass(frozen=True)
class Product:
    """output = activation(input weight^T + bias)."""

    turned: bool
    """Whether the weight lies as [inputs, outputs]."""
    reads: ir.Node
    """The node that the weight goes into: the product, or a Transpose before it."""
    nodes: tuple[ir.Node, ...]
    """All that it stands for, in order; the last one makes the output."""
    bias: ir.Value | None
    activation: str
    """As `sparsify.export.portable.ACTIVATIONS` calls it."""

    @property
    def input(self) -> ir.Value:
        """As the graph is now: the layer before may have been lowered since."""
        value = self.nodes[0].inputs[0]
        assert value is not None
        return value

    @property
    def output(self) -> ir.Value:
        return self.nodes[-1].outputs[0]


def products(graph: ir.Graph) -> dict[ir.Value, list[Product]]:
    """The linear layers of a graph by weight."""
    found: dict[ir.Value, list[Product]] = {}
    for node in graph:
        weight, transposed = _weight_of(node)
        if weight is not None and (product := _product(node, weight, transposed)):
            found.setdefault(weight, []).append(product)
    return found


def _weight_of(node: ir.Node) -> tuple[ir.Value | None, ir.Node | None]:
    """The weight that a product multiplies with, and the Transpose between them."""
    if node.domain or node.op_type not in ("MatMul", "Gemm"):
        return None, None
    value, transposed = node.inputs[1], None
    assert value is not None
    before = value.producer()
    if before is not None and before.op_type == "Transpose" and not before.domain:
        value, transposed = before.inputs[0], before
    known = value is not None and is_weight(value) and _floats(node.inputs[0])
    return (value if known else None), transposed


def _floats(value: ir.Value | None) -> bool:
    return value is not None and value.dtype in (None, ir.DataType.FLOAT)


def _product(node: ir.Node, weight: ir.Value, transposed: ir.Node | None) -> Product | None:
    if weight.shape is None or len(weight.shape) != 2 or node.inputs[0] is weight:
        return None
    turned = transposed is None
    bias = None
    if node.op_type == "Gemm":
        plain = _number(node, "alpha") == _number(node, "beta") == 1
        added = node.inputs[2] if len(node.inputs) > 2 else None
        if not plain or _flag(node, "transA"):
            return None
        turned ^= _flag(node, "transB")
        bias = added and _as_bias(added, weight, turned)
        if added is not None and bias is None:
            return None
    nodes = [node]
    if bias is None and (add := _only_user(node, "Add")):
        other = next((value for value in add.inputs if value is not node.outputs[0]), None)
        bias = other and _as_bias(other, weight, turned)
        if bias is not None:
            nodes.append(add)
    activation = ""
    for name, match in ACTIVATIONS.items():
        if tail := match(nodes[-1]):
            activation, nodes = name, [*nodes, *tail]
            break
    reads = transposed or node
    return Product(turned, reads, tuple(nodes), bias, activation)


def _number(node: ir.Node, name: str) -> float:
    found = node.attributes.get(name)
    return 1.0 if found is None else found.as_float()


def _flag(node: ir.Node, name: str) -> bool:
    found = node.attributes.get(name)
    return found is not None and bool(found.as_int())


def _as_bias(value: ir.Value, weight: ir.Value, turned: bool) -> ir.Value | None:
    """`value` if it is a stored number for each output."""
    assert weight.shape is not None
    tensor = value.const_value
    if not value.is_initializer() or tensor is None or tensor.dtype != ir.DataType.FLOAT:
        return None
    return value if tuple(tensor.shape) == (weight.shape[turned],) else None


def _only_user(node: ir.Node, kind: str) -> ir.Node | None:
    """The one node that reads what `node` makes, if it is of that kind."""
    output = node.outputs[0]
    users = list(output.consumers())
    if len(users) != 1 or output.is_graph_output() or users[0].op_type != kind or users[0].domain:
        return None
    return users[0]


def _relu(node: ir.Node) -> list[ir.Node]:
    return [user] if (user := _only_user(node, "Relu")) else []


def _gelu(approximate: str) -> Callable[[ir.Node], list[ir.Node]]:
    def match(node: ir.Node) -> list[ir.Node]:
        user = _only_user(node, "Gelu")
        if user is None:
            return []
        asked = user.attributes.get("approximate")
        return [user] if (asked.as_string() if asked else "none") == approximate else []

    return match


def _silu(node: ir.Node) -> list[ir.Node]:
    """`x * sigmoid(x)`."""
    output = node.outputs[0]
    users = list(output.consumers())
    gate = next((user for user in users if user.op_type == "Sigmoid"), None)
    times = gate and _only_user(gate, "Mul")
    if gate is None or times is None or output.is_graph_output() or set(users) != {gate, times}:
        return []
    return [gate, times]


ACTIVATIONS = {
    "relu": _relu,
    "gelu": _gelu("none"),
    "gelu_tanh": _gelu("tanh"),
    "silu": _silu,
}
