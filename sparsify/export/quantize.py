"""What stays dense computed with 8-bit numbers, from standard operators alone.

Weights are symmetric with a scale for every output; inputs have one scale and one offset for the
whole tensor. Jacob et al. 2018, arXiv:1712.05877, sections 2.1 and 2.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir
from onnx_ir.passes import common
from onnx_ir.tape import Tape

from sparsify.export.products import Product
from sparsify.export.readings import Reading, readings
from sparsify.export.summary import SUFFIX
from sparsify.storage import quantized

LEVELS = 255
"""Steps of an input's 8 bits."""
Ranges = Mapping[str, tuple[float, float]]
"""The lowest and the highest number of each input of a layer, by name."""


def quantize(model: ir.Model, ranges: Ranges | None = None) -> dict[str, int]:
    """Multiply in 8 bits wherever a linear layer has a dense weight; look embeddings up in 8 bits.

    Args:
        model: the model, changed in place. Sparse weights stay as they are.
        ranges: of the layers' inputs, from calibration: each input goes through QuantizeLinear and
            DequantizeLinear. Left out, every run finds them (DynamicQuantizeLinear).

    Returns:
        The bytes of each weight that is now stored in 8 bits, by its name.
    """
    tape, inputs, sizes = Tape(model.graph), Inputs(ranges), {}
    for reading in readings(model):
        numbers, scale = _stored(tape, reading)
        parts = (part.const_value for part in (numbers, scale))
        sizes[str(reading.weight.name)] = sum(part.nbytes for part in parts if part is not None)
        turned = numbers
        if reading.layers and not reading.turned:
            # ONNX Runtime folds it when the session is made
            turned = tape.op("Transpose", [numbers], {"perm": [1, 0]})
        for layer in reading.layers:
            _multiply(tape, layer, inputs.of(tape, layer.input), turned, scale)
        for lookup in reading.lookups:
            _look_up(tape, lookup, numbers, scale)
    common.RemoveUnusedNodesPass()(model)
    model.graph.sort()
    return sizes


def _stored(tape: Tape, reading: Reading) -> tuple[ir.Value, ir.Value]:
    """Numbers i8 of -127 to 127 as the weight lies, and the scale f32[outputs]."""
    assert reading.weight.const_value is not None
    array = reading.weight.const_value.numpy()
    whole, scales = quantized(array.T if reading.turned else array)
    numbers = np.ascontiguousarray(whole.T if reading.turned else whole).astype(np.int8)
    name = reading.weight.name
    return (
        tape.initializer(ir.tensor(numbers, name=f"{name}{SUFFIX}")),
        tape.initializer(ir.tensor(scales.ravel(), name=f"{name}_scale")),
    )


class Inputs:
    """The inputs of layers in 8 bits; one that several layers read is rounded once."""

    def __init__(self, ranges: Ranges | None) -> None:
        self.ranges = ranges
        self.made: dict[ir.Value, Rounded] = {}

    def of(self, tape: Tape, value: ir.Value) -> Rounded:
        if value not in self.made:
            self.made[value] = self._rounded(tape, value)
        return self.made[value]

    def _rounded(self, tape: Tape, value: ir.Value) -> Rounded:
        if self.ranges is None:
            return Rounded(*tape.op_multi_out("DynamicQuantizeLinear", [value], num_outputs=3))
        # zero is a number of its own: padding and masks stay exact
        lowest, highest = self.ranges[str(value.name)]
        low, high = min(lowest, 0.0), max(highest, 0.0)
        step = (high - low) / LEVELS or 1.0
        parts = {"scale": np.float32(step), "zero_point": np.uint8(round(-low / step))}
        scale, offset = (
            tape.initializer(ir.tensor(np.array(part), name=f"{value.name}_{name}"))
            for name, part in parts.items()
        )
        return Rounded(tape.op("QuantizeLinear", [value, scale, offset]), scale, offset)


@dataclass(frozen=True)
class Rounded:
    """A layer's input: u8 numbers; f32[] what they are multiplied with; u8[] which is zero."""

    numbers: ir.Value
    scale: ir.Value
    offset: ir.Value

    @property
    def fixed(self) -> bool:
        """Whether scale and offset are constants."""
        return self.scale.is_initializer()


def _multiply(
    tape: Tape, layer: Product, rounded: Rounded, weight: ir.Value, scale: ir.Value
) -> None:
    """The layer's product and its bias; an Add behind it and its activation stay.

    ONNX Runtime makes one operator of either form: DynamicQuantizeMatMul or MatMulIntegerToFloat.
    """
    if rounded.fixed:
        parts = [rounded.numbers, rounded.scale, rounded.offset]
        left = tape.op("DequantizeLinear", parts)
        right = tape.op("DequantizeLinear", [weight, scale], {"axis": 1})
        made = tape.op("MatMul", [left, right])
    else:
        whole = tape.op("MatMulInteger", [rounded.numbers, weight, rounded.offset])
        number = tape.op("Cast", [whole], {"to": ir.DataType.FLOAT})
        made = tape.op("Mul", [number, tape.op("Mul", [rounded.scale, scale])])
    node = layer.nodes[0]
    if node.op_type == "Gemm" and layer.bias is not None:
        made = tape.op("Add", [made, layer.bias])
    _put(made, node)


def _look_up(tape: Tape, node: ir.Node, numbers: ir.Value, scale: ir.Value) -> None:
    """Rows of 8-bit numbers, each times its own scale."""
    _, ids = node.inputs
    rows = tape.op("Cast", [tape.op("Gather", [numbers, ids])], {"to": ir.DataType.FLOAT})
    last = tape.initializer(ir.tensor(np.array([-1]), name=f"{numbers.name}_last"))
    each = tape.op("Unsqueeze", [tape.op("Gather", [scale, ids]), last])
    _put(tape.op("Mul", [rows, each]), node)


def _put(made: ir.Value, node: ir.Node) -> None:
    """`made` instead of what `node` makes."""
    old = node.outputs[0]
    made.name, made.type, made.shape = old.name, old.type, old.shape
    ir.convenience.replace_all_uses_with(old, made, replace_graph_outputs=True)
