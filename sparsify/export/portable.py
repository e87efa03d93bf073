"""The operators of `ai.sparsify`, written in standard ones: what runs without our library.

A function rebuilds the dense weight; ONNX Runtime inlines it and folds it when a session is made,
so that one dense product is left. There is one operator for every activation: a function cannot
choose by an attribute, and ONNX Runtime 1.20 does not tell overloads of one name apart.
"""

from __future__ import annotations

from onnx import AttributeProto, FunctionProto, NodeProto, TensorProto, helper

from sparsify.export.cells import CELLS
from sparsify.export.rounding import rounded_inputs
from sparsify.runtime.domains import DOMAIN
from sparsify.storage import Stored

VERSION = 1
"""Of the domain's operators."""
INTEGER = "integer "
"""Begins the forms whose inputs are quantized when they run: products are of 8-bit integers."""
FORMS = {"csr": "SparseLinear", "gaps": "GapLinear", "2 of 4": "TwoOfFourLinear"}
PAIRS = {form: name.replace("Linear", "FeedForward") for form, name in FORMS.items()}
for _names in (FORMS, PAIRS):
    _names |= {INTEGER + form: f"DynamicQuantize{name}" for form, name in _names.items()}
WEIGHT = {
    "csr": ["values", "columns", "row_offsets", "bias", "scales"],
    "gaps": ["values", "gaps", "bias", "scales"],
    "2 of 4": ["values", "positions", "bias", "scales"],
}
"""The inputs that say what a layer's weight is."""
PAIR = ("", "next_")
"""How the inputs and attributes of two layers in one operator begin."""
SELF_ATTENTION = ("query_", "key_", "value_", "output_")
"""The same of four."""
SHAPES = [f"{layer}shape" for layer in (*PAIR, *SELF_ATTENTION)]
"""The attributes that say how large layers are; those of one operator in order."""
ACTIVATIONS = {"": "", "relu": "Relu", "gelu": "Gelu", "gelu_tanh": "GeluTanh", "silu": "Silu"}


def form_of(stored: Stored) -> str:
    """Which of the operators' forms reads a stored weight."""
    return (INTEGER if stored.integers else "") + stored.kind


def operator(form: str, activation: str) -> str:
    """The operator's name: `GapLinearGelu`."""
    return FORMS[form] + ACTIVATIONS[activation]


def function(form: str, activation: str, opset: int) -> FunctionProto:
    """The operator in standard operators of `opset`.

    With an integer form, X is rounded to what its 8-bit integers stand for.

    Inputs: X f32[..., inputs]; values, row by row, of each stored block; the blocks' positions, see
    `sparsify.storage.Stored`; a bias f32[outputs] or f32[1]; scales f32[outputs, 1] or
    f32[1, 1]. Attributes: `shape` [outputs, inputs] and `block` [rows, columns].
    """
    integer, stored = form.startswith(INTEGER), form.removeprefix(INTEGER)
    product = [
        *_grid(),
        *CELLS[stored](),
        *_weight(),
        *(rounded_inputs(opset) if integer else []),
        helper.make_node("MatMul", ["rounded" if integer else "X", "weight"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["sum" if activation else "Y"]),
    ]
    return helper.make_function(
        DOMAIN,
        operator(form, activation),
        ["X", *WEIGHT[stored]],
        ["Y"],
        [*product, *_activation(activation)],
        [helper.make_opsetid("", opset)],
        attributes=["shape", "block"],
    )


def pair(form: str, activation: str, opset: int) -> FunctionProto:
    """Two layers one after the other, the first with an activation, as one operator.

    Inputs: X, what the first layer's weight is, what the second's is. Attributes: `shape` and
    `block` of the first, `next_shape` and `next_block` of the second.
    """
    weights = [[f"{layer}{name}" for name in WEIGHT[form.removeprefix(INTEGER)]] for layer in PAIR]
    layers = [
        helper.make_node(
            operator(form, activation), ["X", *weights[0]], ["between"], domain=DOMAIN
        ),
        helper.make_node(operator(form, ""), ["between", *weights[1]], ["Y"], domain=DOMAIN),
    ]
    for prefix, layer in zip(PAIR, layers, strict=True):
        for name in ("shape", "block"):
            layer.attribute.add(name=name, ref_attr_name=prefix + name, type=AttributeProto.INTS)
    return helper.make_function(
        DOMAIN,
        PAIRS[form] + ACTIVATIONS[activation],
        ["X", *weights[0], *weights[1]],
        ["Y"],
        layers,
        [helper.make_opsetid("", opset), helper.make_opsetid(DOMAIN, VERSION)],
        attributes=["shape", "block", "next_shape", "next_block"],
    )


def _grid() -> list[NodeProto]:
    """The shape as a tensor, and how many blocks there are down, across and in all."""
    return [
        _attribute("shape", "shape"),
        _attribute("block", "block"),
        helper.make_node("Constant", [], ["one"], value_ints=[1]),
        helper.make_node("Constant", [], ["last"], value_ints=[-1]),
        helper.make_node("Constant", [], ["first_axis"], value_int=0),
        helper.make_node("Div", ["shape", "block"], ["grid"]),
        helper.make_node("ReduceProd", ["grid"], ["cells"], keepdims=1),
        helper.make_node("ReduceProd", ["block"], ["block_size"], keepdims=1),
    ]


def _weight() -> list[NodeProto]:
    """The dense weight [inputs, outputs]: blocks put into a grid of zeros, the grid taken apart."""
    return [
        helper.make_node("Cast", ["values"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Concat", ["last", "block_size"], ["blocks_shape"], axis=0),
        helper.make_node("Reshape", ["numbers", "blocks_shape"], ["blocks"]),
        helper.make_node("Unsqueeze", ["places", "last"], ["indices"]),
        helper.make_node("Concat", ["cells", "block_size"], ["flat_shape"], axis=0),
        helper.make_node("ConstantOfShape", ["flat_shape"], ["zeros"]),
        helper.make_node("ScatterND", ["zeros", "indices", "blocks"], ["flat"]),
        helper.make_node("Concat", ["grid", "block"], ["apart_shape"], axis=0),
        helper.make_node("Reshape", ["flat", "apart_shape"], ["apart"]),
        helper.make_node("Transpose", ["apart"], ["together"], perm=[0, 2, 1, 3]),
        helper.make_node("Reshape", ["together", "shape"], ["unscaled"]),
        helper.make_node("Mul", ["unscaled", "scales"], ["rows_first"]),
        helper.make_node("Transpose", ["rows_first"], ["weight"], perm=[1, 0]),
    ]


def _activation(name: str) -> list[NodeProto]:
    """Y from `sum`; each in operators that a graph with that activation has already."""
    if name == "relu":
        return [helper.make_node("Relu", ["sum"], ["Y"])]
    if name == "silu":
        return [
            helper.make_node("Sigmoid", ["sum"], ["gate"]),
            helper.make_node("Mul", ["sum", "gate"], ["Y"]),
        ]
    if name:
        approximate = "tanh" if name == "gelu_tanh" else "none"
        return [helper.make_node("Gelu", ["sum"], ["Y"], approximate=approximate)]
    return []


def _attribute(name: str, output: str) -> NodeProto:
    """The node's attribute `name` as a tensor."""
    node = helper.make_node("Constant", [], [output])
    node.attribute.add(name="value_ints", ref_attr_name=name, type=AttributeProto.INTS)
    return node
