"""How weights are stored in the ONNX file."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from sparsify.kinds import lowering
from sparsify.storage import Choice, Storage, Values, choose


@lowering
def dense(array: np.ndarray) -> np.ndarray:
    """Every number, zeros included, as it is.

    Args:
        array: a weight with two or more dimensions; that of a linear layer is [outputs, inputs].
    """
    return array


@lowering
def sparse(
    array: np.ndarray,
    *,
    values: Values = "f32",
    storage: Storage = "auto",
    least: Annotated[float, Field(ge=0, le=1)] = 0.5,
) -> Choice:
    """What is not zero, for the sparse kernel; ONNX Runtime without it computes the same, dense.

    Args:
        array: a weight; that of a linear layer is [outputs, inputs].
        values: the type of the stored numbers; `int8` has a scale for every output.
        storage: how positions are written; `auto` takes what is smallest for each weight.
        least: the sparsity below which a weight stays dense.
    """
    return choose(array, values=values, storage=storage, least=least)
