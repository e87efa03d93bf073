"""Weights as the standard's own sparse tensors: positions and values, 12 bytes a number."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def to_coo(path: Path, names: Collection[str]) -> None:
    """Rewrite the initializers `names` of the ONNX file as sparse ones.

    The file is at most 2 GB. ONNX Runtime makes them dense when it loads the file. Shape inference
    of onnx 1.23 does not know them, so `onnx.checker` accepts the file without its full check only.
    """
    model = onnx.load(path)
    graph = model.graph
    kept = [tensor for tensor in graph.initializer if tensor.name not in names]
    for tensor in graph.initializer:
        if tensor.name in names:
            graph.sparse_initializer.append(_sparse(tensor))
    del graph.initializer[:]
    graph.initializer.extend(kept)
    onnx.save(model, path)


def _sparse(tensor: TensorProto) -> onnx.SparseTensorProto:
    array = numpy_helper.to_array(tensor).ravel()
    where = np.flatnonzero(array)
    return helper.make_sparse_tensor(
        numpy_helper.from_array(array[where], tensor.name),
        numpy_helper.from_array(where.astype(np.int64), f"{tensor.name}.indices"),
        list(tensor.dims),
    )
