"""Which weights of an ONNX graph can be computed in 8 bits, and what reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import onnx_ir as ir

from sparsify.export.products import Product, products
from sparsify.export.simplify import is_weight

SMALLEST_SIDE = 64
"""Outputs or inputs below which rounding costs accuracy and gains nothing: classifiers."""


@dataclass(frozen=True)
class Reading:
    """A weight, and all that reads it: linear layers, and embeddings that take rows of it."""

    weight: ir.Value
    layers: Sequence[Product]
    lookups: Sequence[ir.Node]

    @property
    def turned(self) -> bool:
        """Whether the weight lies as [inputs, outputs]."""
        return any(layer.turned for layer in self.layers)

    @property
    def fits(self) -> bool:
        """Whether it is large enough, nothing else reads it, and its outputs lie in one way."""
        weight, known = self.weight, {*(layer.reads for layer in self.layers), *self.lookups}
        ways = {layer.turned for layer in self.layers} | ({False} if self.lookups else set())
        return (
            weight.dtype == ir.DataType.FLOAT
            and weight.shape is not None
            and len(weight.shape) == 2
            and min(weight.shape.numpy()) >= SMALLEST_SIDE
            and set(weight.consumers()) == known
            and len(ways) == 1
        )


def readings(model: ir.Model) -> list[Reading]:
    """The weights that `sparsify.export.quantize` stores in 8 bits."""
    layers = products(model.graph)
    weights = [value for value in model.graph.initializers.values() if is_weight(value)]
    found = (Reading(each, layers.get(each, []), _lookups(each)) for each in weights)
    return [each for each in found if each.fits]


def inputs_of_layers(model: ir.Model) -> list[str]:
    """The values that `quantize` rounds, by name: what a calibration has to find ranges for."""
    found = (layer.input for reading in readings(model) for layer in reading.layers)
    return list(dict.fromkeys(str(value.name) for value in found))


def _lookups(weight: ir.Value) -> list[ir.Node]:
    uses = ((use.node, use.idx) for use in weight.uses())
    return [
        node
        for node, number in uses
        if node.op_type == "Gather" and number == 0 and _axis(node) == 0
    ]


def _axis(node: ir.Node) -> int:
    found = node.attributes.get("axis")
    return 0 if found is None else found.as_int()
