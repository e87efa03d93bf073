"""Sparse linear layers in an ONNX model: one operator with its bias and activation each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from sparsify.export import portable
from sparsify.export.products import Product, products
from sparsify.export.simplify import is_weight
from sparsify.kinds import Chosen
from sparsify.runtime.domains import DOMAIN
from sparsify.storage import Choice, Stored


@dataclass(frozen=True)
class Lowered:
    """How one weight is stored in the file."""

    name: str
    shape: tuple[int, ...]
    sparsity: float
    """The share of its numbers that are zero, 0 to 1."""
    form: str
    reason: str
    dense_bytes: int
    stored_bytes: int


def lower(model: ir.Model, lowering: Chosen) -> list[Lowered]:
    """Store every weight as `lowering` wants it, and compute with what is stored.

    Weights that only linear layers read may become sparse; all others stay as they are, unless the
    lowering changes their numbers. Those with the form `coo` are left to `sparsify.export.coo`.
    """
    found = products(model.graph)
    weights = [value for value in model.graph.initializers.values() if is_weight(value)]
    return [_lower_weight(model, value, found.get(value, []), lowering) for value in weights]


def _lower_weight(
    model: ir.Model, weight: ir.Value, readers: list[Product], lowering: Chosen
) -> Lowered:
    array = _array(weight)
    turned = bool(readers) and readers[0].turned
    choice = lowering(array=np.ascontiguousarray(array.T) if turned else array)
    size = array.nbytes
    if not isinstance(choice, Choice):
        stored = np.ascontiguousarray(choice.T) if turned else choice
        if not np.array_equal(stored, array):
            weight.const_value = ir.tensor(stored, name=weight.name)
        choice = Choice(None, "dense", "")
    elif (sparse := choice.stored) is not None:
        if reason := _why_dense(weight, readers):
            choice = Choice(None, "dense", reason)
        else:
            size = sparse.size_bytes
            _replace(model, weight, readers, sparse)
    elif choice.form == "coo":
        size = int(np.count_nonzero(array)) * (array.itemsize + np.dtype(np.int64).itemsize)
    zeros = 1 - int(np.count_nonzero(array)) / max(array.size, 1)
    return Lowered(
        str(weight.name), array.shape, zeros, choice.form, choice.reason, array.nbytes, size
    )


def _why_dense(weight: ir.Value, readers: Iterable[Product]) -> str:
    """Why `weight` cannot be stored for linear layers alone, or empty."""
    readers = list(readers)
    if not readers:
        return "no linear layer reads it"
    if len({reader.turned for reader in readers}) > 1:
        return "it is read both as it is and transposed"
    known = {reader.reads for reader in readers}
    others = [use.op_type for use in weight.consumers() if use not in known]
    return f"{others[0]} reads it, too" if others else ""


def _array(weight: ir.Value) -> np.ndarray:
    assert weight.const_value is not None
    return weight.const_value.numpy()


def _replace(model: ir.Model, weight: ir.Value, readers: Iterable[Product], stored: Stored) -> None:
    """Write `stored` instead of `weight`, and its operator instead of each layer that reads it."""
    form = "gaps" if stored.row_offsets is None else "csr"
    parts = [_initializer(model, name, array) for name, array in _parts(str(weight.name), stored)]
    for reader in readers:
        bias = reader.bias or _initializer(model, f"{DOMAIN}.no_bias", np.zeros(1, "f"))
        inputs = [reader.input, *parts[:-1], bias, parts[-1]]
        _operator(model, form, reader, inputs, stored)
    del model.graph.initializers[str(weight.name)]


def _parts(name: str, stored: Stored) -> Iterator[tuple[str, np.ndarray]]:
    """The tensors of a stored weight in the operators' order, the scales last."""
    yield f"{name}.values", stored.values
    if stored.row_offsets is None:
        yield f"{name}.gaps", stored.positions
    else:
        yield f"{name}.columns", stored.positions
        yield f"{name}.row_offsets", stored.row_offsets
    none = stored.scales.size == 1
    yield f"{DOMAIN}.no_scales" if none else f"{name}.scales", stored.scales


def _initializer(model: ir.Model, name: str, array: np.ndarray) -> ir.Value:
    """The stored tensor called `name`, made if it is not there."""
    if name not in model.graph.initializers:
        tensor = ir.tensor(array, name=name)
        kind, shape = ir.TensorType(tensor.dtype), ir.Shape(array.shape)
        value = ir.Value(name=name, const_value=tensor, type=kind, shape=shape)
        model.graph.register_initializer(value)
    return model.graph.initializers[name]


def _operator(
    model: ir.Model, form: str, reader: Product, inputs: list[ir.Value], stored: Stored
) -> None:
    """Put the operator in the place of the layer's nodes, and its function into the model."""
    opset = model.graph.opset_imports[""]
    function = ir.serde.deserialize_function(portable.function(form, reader.activation, opset))
    model.functions[function.identifier()] = function
    model.opset_imports[DOMAIN] = portable.VERSION
    node = ir.node(
        portable.operator(form, reader.activation),
        inputs,
        {"shape": list(stored.shape), "block": list(stored.block)},
        domain=DOMAIN,
        name=reader.nodes[-1].name,
    )
    last, new = reader.output, node.outputs[0]
    new.name, new.type, new.shape = last.name, last.type, last.shape
    model.graph.insert_before(reader.nodes[-1], node)
    ir.convenience.replace_all_uses_with(last, new, replace_graph_outputs=True)
    for old in dict.fromkeys((*reversed(reader.nodes), reader.reads)):
        if not any(output.consumers() for output in old.outputs):
            model.graph.remove(old, safe=True)
