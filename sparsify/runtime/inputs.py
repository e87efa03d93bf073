"""Random inputs that an ONNX file accepts, from nothing but the file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from sparsify.errors import Problem
from sparsify.runtime.dimensions import Dimensions

FLOATS = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16}
INTEGERS = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}
UNKNOWN_VOCABULARY = 2
"""Ids below this are drawn where no embedding tells how many there are; what they are takes no
time."""
MOVES = {
    "Cast",
    "Expand",
    "Flatten",
    "Identity",
    "Reshape",
    "Slice",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
}
"""Operators behind which ids are still the same ids."""


def random_inputs(
    paths: Sequence[Path],
    sessions: Sequence[onnxruntime.InferenceSession],
    dimensions: Dimensions,
    *,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Values for every input of any of the files, valid for all of them.

    Ids are drawn below the number of rows of the embedding that they go into; masks are ones.

    Args:
        paths: the files.
        sessions: the same files, opened.
        dimensions: how large the dimensions are that the files leave open.
        seed: equal seeds give equal values.

    Raises:
        Problem: a dimension has no size, or an input no type that values can be made up for.
    """
    rows: dict[str, int] = {}
    for path in paths:
        for name, size in vocabularies(path).items():
            rows[name] = min(size, rows.get(name, size))
    random = np.random.default_rng(seed)
    found: dict[str, np.ndarray] = {}
    for session in sessions:
        for wanted in session.get_inputs():
            if wanted.name not in found:
                shape = dimensions.of(wanted)
                limit = rows.get(wanted.name, UNKNOWN_VOCABULARY)
                found[wanted.name] = _values(wanted.name, wanted.type, shape, limit, random)
    return found


def vocabularies(path: Path) -> dict[str, int]:
    """For each input that goes into an embedding: the fewest rows of those embeddings."""
    graph = onnx.load(path, load_external_data=False).graph
    rows = {tensor.name: tensor.dims[0] for tensor in graph.initializer if len(tensor.dims) > 1}
    origin = {value.name: value.name for value in graph.input}
    found: dict[str, int] = {}
    for node in graph.node:
        if node.op_type in MOVES and node.input[0] in origin:
            origin[node.output[0]] = origin[node.input[0]]
        elif node.op_type == "Gather" and node.input[0] in rows and node.input[1] in origin:
            name, count = origin[node.input[1]], rows[node.input[0]]
            found[name] = min(count, found.get(name, count))
    return found


def _values(
    name: str, kind: str, shape: list[int], limit: int, random: np.random.Generator
) -> np.ndarray:
    if kind == "tensor(bool)":
        return np.ones(shape, dtype=np.bool_)
    if kind in FLOATS:
        drawn = np.ones(shape) if "mask" in name else random.standard_normal(shape)
        return drawn.astype(FLOATS[kind])
    if kind in INTEGERS:
        ids = np.ones(shape) if "mask" in name else random.integers(limit, size=shape)
        return ids.astype(INTEGERS[kind])
    raise Problem(f"cannot make up values for the input {name!r} of type {kind}")
