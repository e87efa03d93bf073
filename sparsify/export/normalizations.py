"""A sparse layer, the residual that is added to it and its LayerNormalization as one operator.

A token's outputs are then normalized while they are still in the processor's cache.
"""

from __future__ import annotations

from dataclasses import dataclass

import onnx_ir as ir
from onnx import AttributeProto, FunctionProto, helper

from sparsify.export import portable, self_attention
from sparsify.runtime.domains import DOMAIN

SUFFIX = "Normalization"
INPUTS = ["residual", "norm_scale", "norm_bias"]
"""What the operator reads behind the inputs of its layers."""
EPSILON = 1e-5
"""Of a LayerNormalization that says none."""
LAYERS = {
    *portable.FORMS.values(),
    *self_attention.NAMES,
    *(name + end for name in portable.PAIRS.values() for end in portable.ACTIVATIONS.values()),
}
"""The operators that there is such a form of."""


@dataclass(frozen=True)
class Normalized:
    """LayerNormalization(layer + residual)."""

    layer: ir.Node
    residual: ir.Value
    added: ir.Node
    last: ir.Node


def function(layer: FunctionProto, opset: int) -> FunctionProto:
    """The operator in those of `opset` and `layer`; `epsilon` is added to variances."""
    call = helper.make_node(layer.name, list(layer.input), ["made"], domain=DOMAIN)
    for name in layer.attribute:
        call.attribute.add(name=name, ref_attr_name=name, type=AttributeProto.INTS)
    # ONNX Runtime makes a slower operator of Add and LayerNormalization, and none of Sum
    added = helper.make_node("Sum", ["made", "residual"], ["sum"])
    norm = helper.make_node("LayerNormalization", ["sum", *INPUTS[1:]], ["Y"], axis=-1)
    norm.attribute.add(name="epsilon", ref_attr_name="epsilon", type=AttributeProto.FLOAT)
    return helper.make_function(
        DOMAIN,
        layer.name + SUFFIX,
        [*layer.input, *INPUTS],
        ["Y"],
        [call, added, norm],
        [helper.make_opsetid("", opset), helper.make_opsetid(DOMAIN, portable.VERSION)],
        attributes=[*layer.attribute, "epsilon"],
    )


def join_normalizations(model: ir.Model) -> None:
    """Make one operator of every sparse layer behind which that follows."""
    for node in list(model.graph):
        if found := _normalized(node):
            _join(model, found)


def _join(model: ir.Model, found: Normalized) -> None:
    layer, last = found.layer, found.last
    known = ir.serde.serialize_function(model.functions[layer.op_identifier()])
    made = ir.serde.deserialize_function(function(known, model.graph.opset_imports[""]))
    model.functions[made.identifier()] = made
    epsilon = last.attributes.get("epsilon")
    node = ir.node(
        made.name,
        [*layer.inputs, found.residual, *last.inputs[1:]],
        {
            **{name: attribute.as_ints() for name, attribute in layer.attributes.items()},
            "epsilon": EPSILON if epsilon is None else epsilon.as_float(),
        },
        domain=DOMAIN,
        name=last.name,
    )
    output, new = last.outputs[0], node.outputs[0]
    new.name, new.type, new.shape = output.name, output.type, output.shape
    model.graph.insert_before(last, node)
    ir.convenience.replace_all_uses_with(output, new, replace_graph_outputs=True)
    for old in (last, found.added, layer):
        model.graph.remove(old, safe=True)


def _normalized(node: ir.Node) -> Normalized | None:
    if node.op_type != "LayerNormalization" or node.domain or not _plain(node):
        return None
    added = _made_for(node.inputs[0], node)
    if added is None or added.op_type not in ("Add", "Sum") or len(added.inputs) != 2:
        return None
    for value, residual in (added.inputs, reversed(added.inputs)):
        layer = _made_for(value, added)
        known = layer is not None and layer.domain == DOMAIN and layer.op_type in LAYERS
        if known and layer and residual and _fits(layer, residual, node):
            return Normalized(layer, residual, added, node)
    return None


def _plain(norm: ir.Node) -> bool:
    """Whether it is over the last axis, with a bias, and nothing reads its mean and deviation."""
    axis = norm.attributes.get("axis")
    rank = None if norm.inputs[0] is None or not norm.inputs[0].shape else len(norm.inputs[0].shape)
    last = axis is None or axis.as_int() == -1 or (rank is not None and axis.as_int() == rank - 1)
    others = any(output.consumers() for output in norm.outputs[1:])
    return last and not others and len(norm.inputs) == 3 and norm.inputs[2] is not None


def _made_for(value: ir.Value | None, reader: ir.Node) -> ir.Node | None:
    """The node that makes `value`, if `reader` alone reads it."""
    if value is None or value.is_graph_output() or list(value.consumers()) != [reader]:
        return None
    return value.producer()


def _fits(layer: ir.Node, residual: ir.Value, norm: ir.Node) -> bool:
    """Whether the residual is known to have the layer's shape, and the norm a number for each."""
    outputs = layer.outputs[0]
    last = next(name for name in reversed(portable.SHAPES) if name in layer.attributes)
    rows = layer.attributes[last].as_ints()[0]
    numbers = [value for value in norm.inputs[1:] if value is not None]
    return (
        outputs.shape is not None
        and outputs.shape == residual.shape
        and all(isinstance(size, int) or size.value is not None for size in outputs.shape)
        and residual.dtype in (None, ir.DataType.FLOAT)
        and all(_stored(value, rows) for value in numbers)
    )


def _stored(value: ir.Value, rows: int) -> bool:
    tensor = value.const_value
    known = value.is_initializer() and tensor is not None and tensor.dtype == ir.DataType.FLOAT
    return known and tensor is not None and tuple(tensor.shape) == (rows,)
