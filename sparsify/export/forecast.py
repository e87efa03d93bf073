"""What an ONNX file of a program would weigh and how fast it would run, without making it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from torch import Tensor, fx

from sparsify.analysis.branches import Anatomy
from sparsify.analysis.cost import NodeCost
from sparsify.analysis.products import Product
from sparsify.export.compact import MULTIPLE, wants_cuts
from sparsify.export.cost_model import CostModel
from sparsify.export.fastest import density, timed_as
from sparsify.kinds import Chosen
from sparsify.program import Program, aten
from sparsify.report import Forecast, Speed, StoredWeight
from sparsify.runtime.session import physical_cores
from sparsify.smallest import Choice
from sparsify.zeros import nonzero_count, share_of_zeros, zero_count

LINEAR = {aten.linear.default, aten.addmm.default, aten.mm.default, aten.matmul.default}
"""Products that become one linear layer of the file."""
CALL_BYTES = 350
"""What a call of the graph adds to the file beside its weights: names, shapes, attributes."""


@dataclass(frozen=True)
class Layer:
    """A use of a weight [outputs, inputs], and how many rows its input has."""

    weight: str
    shape: tuple[int, int]
    rows: int


@dataclass(frozen=True)
class Foreseen:
    """How a weight would be stored, and its speed where it would be sparse."""

    told: StoredWeight
    sparse: Speed | None
    has_dead: bool
    """Whether so many of its outputs or inputs are zero that the export may cut them out."""


def forecast(
    program: Program,
    calls: list[NodeCost],
    sizes: Mapping[str, int],
    lowering: Chosen | None = None,
    model: CostModel | None = None,
) -> Forecast:
    """The file that the export would make of `program`.

    Neurons that the export would cut out count as they are; `cut_later` names their weights.

    Args:
        program: the program after the passes of the export.
        calls: what its calls cost; see `sparsify.analysis.cost.per_node`.
        sizes: of the named dimensions, when the file runs.
        lowering: how weights are stored; left out, as they are.
        model: the times of layers on this machine; None: no latency is predicted.
    """
    uses = program.remember(Anatomy).products
    layers = list(_layers(program, uses, calls, sizes))
    chosen = {}
    if lowering is not None:
        with ThreadPoolExecutor(physical_cores()) as pool:
            of_one = partial(_chosen, program, uses, layers, lowering, model)
            chosen = {each.told.name: each for each in pool.map(of_one, _matrices(program))}
    stored = [each.told for each in chosen.values()]
    saved = sum(told.dense_bytes - told.stored_bytes for told in stored)
    latency = None
    if model is not None:
        latency = sum(_latency(layer, chosen.get(layer.weight), model) for layer in layers)
    return Forecast(
        size_bytes=_tensor_bytes(program) - saved + CALL_BYTES * _calls(program),
        stored=stored,
        linear_ms=latency,
        cut_later=[name for name, each in chosen.items() if each.has_dead],
    )


def _layers(
    program: Program,
    uses: Mapping[fx.Node, Product],
    calls: list[NodeCost],
    sizes: Mapping[str, int],
) -> Iterator[Layer]:
    """Every product with a matrix of weights, in graph order."""
    for call in calls:
        use = uses.get(call.node)
        if use is None or program.tensor(use.weight).ndim != 2:
            continue
        tensor = program.tensor(use.weight)
        macs = call.macs.subs({each: sizes.get(str(each), 1) for each in call.macs.free_symbols})
        outputs, inputs = tensor.shape[:: -1 if _turned(use) else 1]
        yield Layer(use.weight, (outputs, inputs), int(macs) // tensor.numel())


def _turned(use: Product) -> bool:
    """Whether the weight lies as [inputs, outputs]."""
    return use.makes == (1,)


def _matrices(program: Program) -> list[str]:
    """The floating-point tensors of two or more dimensions that the file would hold."""
    names = dict.fromkeys(str(node.target) for node in program.parameters())
    return [name for name in names if program.tensor(name).ndim > 1]


def _chosen(
    program: Program,
    products: Mapping[fx.Node, Product],
    layers: list[Layer],
    lowering: Chosen,
    model: CostModel | None,
    name: str,
) -> Foreseen:
    uses = [use for use in products.values() if use.weight == name]
    tokens = max((layer.rows for layer in layers if layer.weight == name), default=0)
    array = program.effective(name).numpy(force=True)
    why_dense = _why_dense(program, uses)
    if uses and _turned(uses[0]):
        array = np.ascontiguousarray(array.T)
    choice = Choice(None, "dense", why_dense)
    if not why_dense:
        found = lowering(array=array, usual_tokens=tokens, may_time=False, eight_bits=False)
        choice = found if isinstance(found, Choice) else Choice(None, "dense", "")
    size, speed = array.nbytes, None
    if choice.form == "coo":
        size = nonzero_count(array) * (array.itemsize + np.dtype(np.int64).itemsize)
    elif choice.stored is not None:
        size, unit = choice.stored.size_bytes, timed_as(choice.stored)
        if model is not None:
            speed = model.predict(choice.stored.shape, unit, density(array, unit))
    told = StoredWeight(
        name=name,
        shape=tuple(program.tensor(name).shape),
        sparsity=share_of_zeros(array),
        form=choice.form,
        reason=choice.reason,
        dense_bytes=array.nbytes,
        stored_bytes=size,
        predicted=choice.predicted,
    )
    return Foreseen(told, speed, not why_dense and wants_cuts(lowering) and _has_dead(array))


def _has_dead(array: np.ndarray) -> bool:
    """Whether so many outputs or inputs of a weight are zero that the export may cut them out."""
    there = array != 0
    return any(zero_count(there.any(axis=axis)) >= MULTIPLE for axis in (0, 1))


def _why_dense(program: Program, uses: list[Product]) -> str:
    """Why a weight cannot be stored for linear layers alone, or empty."""
    if not any(use.node.target in LINEAR for use in uses):
        return "no linear layer reads it"
    if len({_turned(use) for use in uses}) > 1:
        return "it is read both as it is and transposed"
    known = {use.reader for use in uses if use.node.target in LINEAR}
    masked = program.masked(uses[0].attribute)
    readers = [*uses[0].attribute.users, *(masked.users if masked else ())]
    others = [each.name for each in readers if each not in known and each is not masked]
    return f"{others[0]} reads it, too" if others else ""


def _latency(layer: Layer, foreseen: Foreseen | None, model: CostModel) -> float:
    """Milliseconds of one layer; those of fewer rows than were timed take their share."""
    if foreseen is not None and foreseen.sparse is not None:
        taken = foreseen.sparse.sparse_ms
    else:
        taken = model.predict(layer.shape, 1, 1.0).dense_ms
    return taken * layer.rows / int(model.key["tokens"])


def _tensor_bytes(program: Program) -> int:
    """Of all that the graph reads, each tensor once."""
    read = {id(tensor): tensor for tensor in _read(program)}
    return sum(each.numel() * each.element_size() for each in read.values())


def _read(program: Program) -> Iterator[Tensor]:
    for node in program.graph.nodes:
        if node.op == "get_attr":
            yield program.tensor(str(node.target))
        elif node.op == "call_module":
            part = program.module.get_submodule(str(node.target))
            yield from (*part.parameters(), *part.buffers())


def _calls(program: Program) -> int:
    return sum(node.op.startswith("call_") for node in program.graph.nodes)
