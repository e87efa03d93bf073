"""Sparse linear layers in an ONNX model: one operator with its bias and activation each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import onnx_ir as ir

from sparsify.export import portable
from sparsify.export.compact import compact, wants_cuts
from sparsify.export.heads import join_heads
from sparsify.export.lowered import Lowered, of_whole
from sparsify.export.normalizations import join_normalizations
from sparsify.export.pairs import join_pairs
from sparsify.export.products import Product, products
from sparsify.export.self_attention import join_self_attention
from sparsify.export.simplify import is_weight
from sparsify.kinds import Chosen
from sparsify.report import StoredWeight
from sparsify.runtime.domains import DOMAIN
from sparsify.smallest import Choice
from sparsify.storage import Stored, decoded
from sparsify.zeros import nonzero_count, share_of_zeros


def lower(
    model: ir.Model,
    lowering: Chosen,
    sizes: Mapping[str, int] | None = None,
    *,
    eight_bits: bool = False,
) -> list[Lowered]:
    """Store every weight as `lowering` wants it, and compute with what is stored.

    Weights that only linear layers read may become sparse; all others stay as they are, unless the
    lowering changes their numbers. Those with the form `coo` are left to `sparsify.export.coo`.

    Args:
        model: the model, changed in place.
        lowering: how weights are stored.
        sizes: of the named dimensions, when the model runs.
        eight_bits: whether what stays dense will be computed in 8 bits.
    """
    cuts = compact(model) if wants_cuts(lowering) else {}
    found = products(model.graph)
    weights = [value for value in model.graph.initializers.values() if is_weight(value)]
    tokens = {
        name: _tokens(found[model.graph.initializers[name]][0].input, sizes or {}) for name in cuts
    }
    lowered = [
        _lower_weight(model, value, found.get(value, []), lowering, sizes or {}, eight_bits)
        for value in weights
    ]
    if DOMAIN in model.opset_imports:
        join_pairs(model)
        join_heads(model)
        join_self_attention(model)
        join_normalizations(model)
    return [
        of_whole(each, cuts[name], tokens[name]) if (name := each.told.name) in cuts else each
        for each in lowered
    ]


def _lower_weight(
    model: ir.Model,
    weight: ir.Value,
    readers: list[Product],
    lowering: Chosen,
    sizes: Mapping[str, int],
    eight_bits: bool,
) -> Lowered:
    array = _array(weight)
    turned = bool(readers) and readers[0].turned
    why_dense = _why_dense(weight, readers)
    choice = lowering(
        array=np.ascontiguousarray(array.T) if turned else array,
        usual_tokens=None if why_dense else max(_tokens(each.input, sizes) for each in readers),
        may_time=True,
        eight_bits=eight_bits,
    )
    size, rounded = array.nbytes, None
    if not isinstance(choice, Choice):
        rounded = _rewrite(weight, array, choice.T if turned else choice)
        choice = Choice(None, "dense", "")
    elif choice.form == "coo":
        size = nonzero_count(array) * (array.itemsize + np.dtype(np.int64).itemsize)
    elif why_dense:
        choice = Choice(None, "dense", why_dense)
    elif (sparse := choice.stored) is not None:
        size = sparse.size_bytes
        _replace(model, weight, readers, sparse)
        if sparse.values.dtype != array.dtype:
            rounded = decoded(sparse).T if turned else decoded(sparse)
    return Lowered(_told(str(weight.name), array, choice, size), rounded)


def _rewrite(weight: ir.Value, array: np.ndarray, wanted: np.ndarray) -> np.ndarray | None:
    """Store other numbers densely; the new ones, if they are others."""
    if np.array_equal(wanted, array):
        return None
    stored = np.ascontiguousarray(wanted)
    weight.const_value = ir.tensor(stored, name=weight.name)
    return stored


def _told(name: str, array: np.ndarray, choice: Choice, size: int) -> StoredWeight:
    return StoredWeight(
        name=name,
        shape=array.shape,
        sparsity=share_of_zeros(array),
        form=choice.form,
        reason=choice.reason,
        dense_bytes=array.nbytes,
        stored_bytes=size,
        predicted=choice.predicted,
        measured=choice.measured,
    )


def _tokens(value: ir.Value, sizes: Mapping[str, int]) -> int:
    """Over how many rows a linear layer that reads `value` runs; as many as all where unknown."""
    named = [
        factor
        for dim in (value.shape or [])[:-1]
        for factor in (str(dim) if isinstance(dim, int) else str(dim.value)).split("*")
    ]
    rows = [int(name) if name.isdigit() else sizes.get(name, 0) for name in named]
    return math.prod(rows) or math.prod(sizes.values())


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
    form = portable.form_of(stored)
    parts = [_initializer(model, name, array) for name, array in _parts(str(weight.name), stored)]
    for reader in readers:
        bias = reader.bias or _initializer(model, f"{DOMAIN}.no_bias", np.zeros(1, "f"))
        inputs = [reader.input, *parts[:-1], bias, parts[-1]]
        _operator(model, form, reader, inputs, stored)
    del model.graph.initializers[str(weight.name)]


def _parts(name: str, stored: Stored) -> Iterator[tuple[str, np.ndarray]]:
    """The tensors of a stored weight in the operators' order, the scales last."""
    for part, array in stored.tensors().items():
        none = part == "scales" and array.size == 1
        yield f"{DOMAIN}.no_scales" if none else f"{name}.{part}", array


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
