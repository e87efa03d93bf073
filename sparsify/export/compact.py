"""Neurons between two linear layers that are zero, or that nobody reads, leave both weights.

What is left is a smaller product in standard operators. A neuron whose weights are zero is as large
for every input, so what it adds to the next layer moves into that layer's bias.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import onnx_ir as ir

from sparsify.export.activations import ACTIVATIONS
from sparsify.export.products import Product, products
from sparsify.kinds import Chosen
from sparsify.smallest import smallest_form, unfit

MULTIPLE = 16
"""Neurons are left until their number is a multiple: dense kernels work on so many at once."""


@dataclass(frozen=True)
class Cut:
    """What is left of a weight [outputs, inputs]."""

    whole: np.ndarray
    outputs: np.ndarray
    """Which are left, by number."""
    inputs: np.ndarray
    turned: bool
    """Whether the file has it as [inputs, outputs]."""

    @property
    def shape(self) -> tuple[int, int]:
        """What is left: [outputs, inputs]."""
        return len(self.outputs), len(self.inputs)

    @property
    def reason(self) -> str:
        sides = {"outputs": self.outputs, "inputs": self.inputs}
        words = [
            f"{size - len(kept):,} of {size:,} {name}"
            for (name, kept), size in zip(sides.items(), self.whole.shape, strict=True)
            if len(kept) < size
        ]
        return f"{' and '.join(words)} removed: zero, or never read"

    def restored(self, array: np.ndarray) -> np.ndarray:
        """The whole weight as the file has it, with these numbers where they came from."""
        found = self.whole.copy()
        found[np.ix_(self.outputs, self.inputs)] = array.T if self.turned else array
        return found.T if self.turned else found


@dataclass
class Compactor:
    """Pairs of layers of one graph, cut one after the other."""

    model: ir.Model
    layers: dict[ir.Value, Product]
    """By weight: those that one linear layer reads and nothing else."""
    cuts: dict[str, Cut] = field(default_factory=dict)

    def cut(self, weight: ir.Value) -> None:
        """Remove what the layer of `weight` need not read, in front of it."""
        reader = self.layers[weight]
        makers = self._makers(reader.input, reader.nodes[0])
        if not makers or weight in makers or len(set(makers)) < len(makers):
            return
        read = self.array(weight)
        if any(len(self.array(each)) != read.shape[1] for each in makers):
            return  # one factor is the same for all neurons
        constant, known = self._constants(makers)
        unread, free = ~read.any(axis=0), known & (constant == 0)
        dead = unread | free | (known & (reader.bias is not None))
        if dead.sum() < MULTIPLE:
            return
        kept = _kept(dead, self._group([*makers], weight))
        biases = [self.layers[each].bias for each in makers] + [reader.bias]
        if len(kept) == len(dead) or any(bias and len(bias.uses()) > 1 for bias in biases):
            return
        gone = np.setdiff1d(np.arange(len(dead)), kept)
        if reader.bias is not None:
            moved = read[:, gone].astype(np.float64) @ np.where(unread, 0, constant)[gone]
            _store(reader.bias, _numbers(reader.bias) + moved.astype(np.float32))
        for each in makers:
            self._leave_outputs(each, kept)
        self._leave(weight, inputs=kept)

    def array(self, weight: ir.Value) -> np.ndarray:
        """As [outputs, inputs]."""
        array = _numbers(weight)
        return array.T if self.layers[weight].turned else array

    def _makers(self, value: ir.Value, reader: ir.Node) -> list[ir.Value]:
        """The weights of the layers that make `value`, alone or multiplied, for `reader` alone."""
        if value.is_graph_output() or list(value.consumers()) != [reader]:
            return []
        for weight, layer in self.layers.items():
            if layer.output is value:
                return [weight]
        node = value.producer()
        if node is None or node.op_type != "Mul" or node.domain or reader.op_type == "Mul":
            return []
        found = [self._makers(each, node) if each else [] for each in node.inputs]
        return [each for side in found for each in side] if all(found) else []

    def _constants(self, makers: Sequence[ir.Value]) -> tuple[np.ndarray, np.ndarray]:
        """What each neuron is for every input, in 64 bits, and where that is so."""
        size = len(self.array(makers[0]))
        constant, known = np.ones(size), np.ones(size, bool)
        for weight in makers:
            layer, zero = self.layers[weight], ~self.array(weight).any(axis=1)
            bias = np.zeros(size) if layer.bias is None else _numbers(layer.bias)
            value = ACTIVATIONS[layer.activation](bias.astype(np.float64))
            nothing = (known & (constant == 0)) | (zero & (value == 0))
            known, constant = nothing | (known & zero), np.where(nothing, 0, constant * value)
        return constant, known

    def _group(self, makers: Sequence[ir.Value], reader: ir.Value) -> int:
        """How many neighbours leave together, so that blocks of zeros and numbers stay blocks."""
        forms = [(smallest_form(self.array(each), "f32"), 0) for each in makers]
        forms.append((smallest_form(self.array(reader), "f32"), 1))
        return math.lcm(*(form.block[side] for form, side in forms if form))

    def _leave_outputs(self, weight: ir.Value, kept: np.ndarray) -> None:
        layer = self.layers[weight]
        if layer.bias is not None:
            _store(layer.bias, _numbers(layer.bias)[kept])
        self._leave(weight, outputs=kept)
        last = layer.output
        behind = [user for user in last.consumers() if user.op_type == "Mul"]
        for value in [output for node in (*layer.nodes, *behind) for output in node.outputs]:
            if value.shape is not None:
                value.shape = ir.Shape([*value.shape[:-1], len(kept)])

    def _leave(
        self,
        weight: ir.Value,
        outputs: np.ndarray | None = None,
        inputs: np.ndarray | None = None,
    ) -> None:
        name, layer, array = str(weight.name), self.layers[weight], self.array(weight)
        every_output, every_input = (np.arange(size) for size in array.shape)
        cut = self.cuts.get(name) or Cut(array.copy(), every_output, every_input, layer.turned)
        outputs = every_output if outputs is None else outputs
        inputs = every_input if inputs is None else inputs
        self.cuts[name] = replace(cut, outputs=cut.outputs[outputs], inputs=cut.inputs[inputs])
        left = array[np.ix_(outputs, inputs)]
        _store(weight, left.T if layer.turned else left)
        if not layer.turned and layer.reads is not layer.nodes[0]:
            layer.reads.outputs[0].shape = ir.Shape(left.T.shape)


def wants_cuts(lowering: Chosen) -> bool:
    """Whether it may time weights, so wants speed, and multiplies floats.

    A sparse layer of integers skips the same zeros, and is faster than a cut one of floats.
    """
    return "may_time" in lowering.needs and getattr(lowering.options, "activations", "f32") == "f32"


def compact(model: ir.Model) -> dict[str, Cut]:
    """Cut every pair of layers that has dead neurons between them; the cuts by weight's name."""
    layers = {
        weight: uses[0]
        for weight, uses in products(model.graph).items()
        if len(uses) == 1 and len(weight.uses()) == 1 and not unfit(_numbers(weight))
    }
    compactor = Compactor(model, layers)
    for weight in layers:
        compactor.cut(weight)
    return compactor.cuts


def _kept(dead: np.ndarray, group: int) -> np.ndarray:
    """The neurons that stay: all alive ones, and dead ones that would leave an odd number."""
    if len(dead) % group:
        return np.arange(len(dead))
    gone = np.repeat(dead.reshape(-1, group).all(axis=1), group)
    step = math.lcm(group, MULTIPLE)
    alive = int((~gone).sum())
    wanted = min(len(dead), max(step, math.ceil(alive / step) * step))
    again = np.flatnonzero(gone)[: wanted - alive]
    return np.sort(np.concatenate([np.flatnonzero(~gone), again]))


def _numbers(value: ir.Value) -> np.ndarray:
    assert value.const_value is not None
    return value.const_value.numpy()


def _store(value: ir.Value, array: np.ndarray) -> None:
    stored = np.ascontiguousarray(array, np.float32)
    value.const_value = ir.tensor(stored, name=value.name)
    value.shape = ir.Shape(stored.shape)
