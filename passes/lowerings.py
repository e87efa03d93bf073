"""How weights are stored in the ONNX file."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from sparsify.kinds import lowering
from sparsify.smallest import Choice, choose
from sparsify.storage import Activations, Storage, Values


@lowering
def dense(array: np.ndarray) -> np.ndarray:
    """Every number, zeros included, as it is.

    Args:
        array: a weight with two or more dimensions; that of a linear layer is [outputs, inputs].
    """
    return array


@lowering
def auto(
    array: np.ndarray,
    usual_tokens: int | None,
    may_time: bool,
    eight_bits: bool,
    *,
    tokens: Annotated[int, Field(gt=0)] | None = None,
    measured: bool = False,
    values: Values = "f32",
    activations: Activations = "f32",
) -> Choice:
    """What is fastest on this machine; without sparse kernels, what is smallest.

    A formula, fitted to this machine once, predicts the times of every weight; where it is close,
    the weight is timed.

    Args:
        array: a weight; that of a linear layer is [outputs, inputs].
        usual_tokens: how many tokens the layer that reads it gets; None: no linear layer reads it.
        may_time: whether weights may be timed; a plan only predicts.
        eight_bits: whether a dense weight will be computed in 8 bits, which is faster.
        tokens: instead of `usual_tokens`, which the benchmark's batch and sequence make.
        measured: whether every weight with zeros is timed.
        values: the type of the stored numbers; `int8` has a scale for every output.
        activations: with `int8`, integers are multiplied where that is fastest: values are `int8`
            there, and every token of a layer's input is rounded to 8 bits with a scale of its own.
    """
    from sparsify.export.fastest import fastest

    if usual_tokens is None:
        return Choice(None, "dense", "no linear layer reads it")
    return fastest(
        array,
        tokens=tokens or usual_tokens,
        values=values,
        activations=activations,
        measured=measured,
        may_time=may_time,
        eight_bits=eight_bits,
    )


@lowering
def sparse(
    array: np.ndarray,
    *,
    values: Values = "f32",
    storage: Storage = "auto",
    least: Annotated[float, Field(ge=0, le=1)] = 0.5,
    activations: Activations = "f32",
) -> Choice:
    """What is not zero, for the sparse kernel; ONNX Runtime without it computes the same, dense.

    Args:
        array: a weight; that of a linear layer is [outputs, inputs].
        values: the type of the stored numbers; `int8` has a scale for every output.
        storage: how positions are written; `auto` takes what is smallest for each weight.
        least: the sparsity below which a weight stays dense.
        activations: with `int8`, integers are multiplied where blocks of four inputs or the like
            make that pay: values are `int8` there, and every token of a layer's input is rounded
            to 8 bits with a scale of its own.
    """
    return choose(array, values=values, storage=storage, least=least, activations=activations)
