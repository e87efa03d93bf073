"""Queries, keys, values, attention and the layer behind it as one operator.

What is turned for the first sparse product stays turned up to the last one.
"""

from __future__ import annotations

from dataclasses import dataclass

import onnx_ir as ir
from onnx import AttributeProto, FunctionProto, NodeProto, helper

from sparsify.export import heads, portable
from sparsify.runtime.domains import DOMAIN


@dataclass(frozen=True)
class Block:
    """output(attention(query(input), key(input), value(input)))."""

    form: str
    layers: list[ir.Node]
    """Query, key, value and output."""
    heads: int
    attention: ir.Node


def name_of(form: str, masked: bool) -> str:
    """The operator's name: `GapMaskedSelfAttention`."""
    masked_or_not = "Masked" if masked else ""
    return portable.FORMS[form].removesuffix("Linear") + masked_or_not + "SelfAttention"


FORMS = {name: form for form, name in portable.FORMS.items()}
NAMES = {name_of(form, masked) for form in portable.FORMS for masked in (False, True)}


def function(form: str, masked: bool, opset: int) -> FunctionProto:
    """The operator in those of `opset`, the linear layer of that form and attention.

    Inputs: X f32[batch, tokens, inputs]; what the weights of query, key, value and output are; the
    scale f32[1]; the mask, broadcast to [batch, heads, tokens, tokens]. Attributes: `heads`
    [number], and `query_shape`, `query_block`... of every layer.
    """
    names = portable.WEIGHT[form.removeprefix(portable.INTEGER)]
    weights = {layer: [layer + name for name in names] for layer in portable.SELF_ATTENTION}
    *projections, output = portable.SELF_ATTENTION
    apart = [
        node
        for layer in projections
        for node in (
            _linear(form, layer, "X", layer + "made", weights[layer]),
            helper.make_node("Reshape", [layer + "made", "apart"], [layer + "heads"]),
        )
    ]
    behind = ["scale", *(["mask"] if masked else [])]
    attended = [*(layer + "heads" for layer in projections), *behind]
    return helper.make_function(
        DOMAIN,
        name_of(form, masked),
        ["X", *(name for layer in portable.SELF_ATTENTION for name in weights[layer]), *behind],
        ["Y"],
        [
            *_shapes(),
            *apart,
            helper.make_node(heads.NAMES[masked], attended, ["mixed"], domain=DOMAIN),
            helper.make_node("Reshape", ["mixed", "together"], ["all_heads"]),
            _linear(form, output, "all_heads", "Y", weights[output]),
        ],
        [helper.make_opsetid("", opset), helper.make_opsetid(DOMAIN, portable.VERSION)],
        attributes=[
            "heads",
            *(layer + end for layer in portable.SELF_ATTENTION for end in ("shape", "block")),
        ],
    )


def _shapes() -> list[NodeProto]:
    number = helper.make_node("Constant", [], ["number"])
    number.attribute.add(name="value_ints", ref_attr_name="heads", type=AttributeProto.INTS)
    return [
        number,
        helper.make_node("Constant", [], ["kept"], value_ints=[0, 0]),
        helper.make_node("Constant", [], ["rest"], value_ints=[-1]),
        helper.make_node("Concat", ["kept", "number", "rest"], ["apart"], axis=0),
        helper.make_node("Concat", ["kept", "rest"], ["together"], axis=0),
    ]


def _linear(form: str, layer: str, read: str, made: str, weight: list[str]) -> NodeProto:
    node = helper.make_node(portable.operator(form, ""), [read, *weight], [made], domain=DOMAIN)
    for name in ("shape", "block"):
        node.attribute.add(name=name, ref_attr_name=layer + name, type=AttributeProto.INTS)
    return node


def join_self_attention(model: ir.Model) -> None:
    """Make one operator of every attention between sparse layers of one form."""
    for node in list(model.graph):
        attends = node.domain == DOMAIN and node.op_type in heads.NAMES.values()
        if attends and (found := _block(node)):
            _join(model, found)


def _join(model: ir.Model, found: Block) -> None:
    opset, output = model.graph.opset_imports[""], found.layers[-1]
    behind = found.attention.inputs[3:]
    masked = len(behind) > 1
    made = (function(found.form, masked, opset), portable.function(found.form, "", opset))
    for each in (*made, heads.function(masked, opset)):
        ir_function = ir.serde.deserialize_function(each)
        model.functions[ir_function.identifier()] = ir_function
    weights = [value for layer in found.layers for value in layer.inputs[1:]]
    sizes = {
        prefix + name: layer.attributes[name].as_ints()
        for prefix, layer in zip(portable.SELF_ATTENTION, found.layers, strict=True)
        for name in ("shape", "block")
    }
    node = ir.node(
        name_of(found.form, masked),
        [found.layers[0].inputs[0], *weights, *behind],
        {"heads": [found.heads], **sizes},
        domain=DOMAIN,
        name=output.name,
    )
    last, new = output.outputs[0], node.outputs[0]
    new.name, new.type, new.shape = last.name, last.type, last.shape
    model.graph.insert_before(output, node)
    ir.convenience.replace_all_uses_with(last, new, replace_graph_outputs=True)
    heads.remove(model.graph, output)


def _block(attention: ir.Node) -> Block | None:
    """The block around an attention, if nothing else reads what is between its layers."""
    together = _reader(attention, "Reshape")
    output = None if together is None else _reader(together)
    form = None if output is None else FORMS.get(output.op_type)
    if output is None or form is None or output.domain != DOMAIN:
        return None
    apart = [_maker(value, "Reshape") for value in attention.inputs[:3]]
    layers = {
        layer: each.outputs[0]
        for each in apart
        if each and (layer := _maker(each.inputs[0], output.op_type))
    }
    number = _heads(list(layers), list(layers.values()), output) if len(layers) == 3 else None
    return Block(form, [*layers, output], number, attention) if number else None


def _heads(layers: list[ir.Node], apart: list[ir.Value], output: ir.Node) -> int | None:
    """Into how many heads the layers' outputs are divided, if that is all that happens to them."""
    read = layers[0].inputs[0]
    if read is None or any(layer.inputs[0] is not read for layer in layers):
        return None
    inputs, mixed = _sizes(read), _sizes(output.inputs[0])
    if len(inputs) != 3 or None in inputs or len(mixed) != 3 or mixed[:2] != inputs[:2]:
        return None
    number = next(iter(_sizes(apart[0])[2:]), None)
    if not isinstance(number, int):
        return None
    rows = [layer.attributes["shape"].as_ints()[0] for layer in layers]
    wanted = [[*inputs[:2], number, count // number] for count in rows]
    return number if [_sizes(value) for value in apart] == wanted else None


def _sizes(value: ir.Value | None) -> list[int | str | None]:
    """The dimensions of `value`: numbers, names, or None where nothing is known."""
    shape = None if value is None else value.shape
    return [size if isinstance(size, int) else size.value for size in shape or []]


def _maker(value: ir.Value | None, kind: str) -> ir.Node | None:
    """The node of that kind that makes `value` for one reader."""
    if value is None or value.is_graph_output() or len(list(value.consumers())) != 1:
        return None
    node = value.producer()
    return node if node is not None and node.op_type == kind else None


def _reader(node: ir.Node, kind: str | None = None) -> ir.Node | None:
    """The only node that reads what `node` makes, if it is of that kind."""
    output = node.outputs[0]
    readers = list(output.consumers())
    if len(readers) != 1 or output.is_graph_output() or readers[0].inputs[0] is not output:
        return None
    return readers[0] if kind in (None, readers[0].op_type) else None
