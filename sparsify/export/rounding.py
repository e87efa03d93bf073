"""How a layer's inputs become 8-bit integers in the sparse kernels, in standard operators."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import NodeProto, helper

from sparsify.runtime.domains import DOMAIN

INPUTS, ROUNDED = "X", "rounded"
PREFIX = "DynamicQuantize"
"""Of the operators that round their inputs to 8-bit integers."""


def rounded_inputs(opset: int) -> list[NodeProto]:
    """`rounded`: X f32[..., inputs] in 255 steps from each token's lowest number to its highest.

    Zero is one of the steps.

    Every operation is one that the kernels do in the same order, so that both round alike.
    """
    return [
        helper.make_node("Constant", [], ["nothing"], value_float=0.0),
        helper.make_node("Constant", [], ["everything"], value_float=255.0),
        helper.make_node("Constant", [], ["smallest"], value_float=1e-30),
        helper.make_node("Constant", [], ["unity"], value_float=1.0),
        _of_each_token("ReduceMin", "lowest_number", opset),
        _of_each_token("ReduceMax", "highest_number", opset),
        helper.make_node("Min", ["lowest_number", "nothing"], ["lowest"]),
        helper.make_node("Max", ["highest_number", "nothing"], ["highest"]),
        helper.make_node("Sub", ["highest", "lowest"], ["range"]),
        helper.make_node("Div", ["range", "everything"], ["wanted_step"]),
        helper.make_node("Max", ["wanted_step", "smallest"], ["step"]),
        helper.make_node("Div", ["unity", "step"], ["steps_of_one"]),
        helper.make_node("Neg", ["lowest"], ["below_zero"]),
        helper.make_node("Mul", ["below_zero", "steps_of_one"], ["steps_below_zero"]),
        helper.make_node("Round", ["steps_below_zero"], ["zero_point"]),
        helper.make_node("Mul", [INPUTS, "steps_of_one"], ["exact_steps"]),
        helper.make_node("Round", ["exact_steps"], ["whole_steps"]),
        helper.make_node("Add", ["whole_steps", "zero_point"], ["unclipped"]),
        helper.make_node("Clip", ["unclipped", "nothing", "everything"], ["bytes"]),
        helper.make_node("Sub", ["bytes", "zero_point"], ["signed"]),
        helper.make_node("Mul", ["signed", "step"], [ROUNDED]),
    ]


def _of_each_token(kind: str, name: str, opset: int) -> NodeProto:
    """The axes of ReduceMin and ReduceMax became an input with opset 18."""
    if opset < 18:
        return helper.make_node(kind, [INPUTS], [name], axes=[-1])
    return helper.make_node(kind, [INPUTS, "last"], [name])


def without_rounding(path: Path, target: Path) -> None:
    """Write the model at `path` to `target`, in the same folder, with inputs as they are.

    What differs between the outputs of the two is what rounding inputs costs, and nothing else.
    """
    model = onnx.load(path, load_external_data=False)
    made = {function.name: function for function in model.functions}
    for function in made.values():
        function.name = function.name.removeprefix(PREFIX)
    for nodes in (model.graph.node, *(function.node for function in made.values())):
        for node in nodes:
            if node.domain == DOMAIN:
                node.op_type = node.op_type.removeprefix(PREFIX)
            elif ROUNDED in node.input:
                node.input[0] = INPUTS
    del model.functions[:]
    model.functions.extend({function.name: function for function in made.values()}.values())
    onnx.save(model, target)
