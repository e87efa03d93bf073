"""How long a linear layer takes here, dense and sparse: a formula fitted to this machine once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from functools import cache as remembered
from pathlib import Path

import numpy as np
import onnxruntime
from pydantic import BaseModel, ConfigDict, ValidationError

from sparsify.cache import cache
from sparsify.export.layers import milliseconds, opened, thinned
from sparsify.report import Speed
from sparsify.runtime.library import built_from, kernels
from sparsify.runtime.machine import processor

SHAPES = (
    (64, 64), (64, 1024), (1024, 64), (256, 256), (256, 1024), (768, 768),
    (1024, 256), (512, 2048), (2048, 512), (1024, 1024), (2048, 2048),
)  # fmt: skip
"""Outputs x inputs that are timed."""
INTEGERS = -4
"""Instead of a number of outputs: four inputs are zero together, and products are of integers."""
BLOCKS = {1: (1, 1), 4: (4, 1), INTEGERS: (1, 4)}
DENSITIES = {
    1: (0.01, 0.03, 0.1, 0.25, 0.5, 0.7), 4: (0.03, 0.1, 0.3, 0.6), INTEGERS: (0.03, 0.1, 0.3, 0.6)
}  # fmt: skip
"""Shares of a weight that are timed, by how many outputs are zero together."""
DENSE, EIGHT_BITS = 0, -1
"""Instead of such a number, where nothing is left out."""
FORMULA = 2
"""Its version: what an earlier one kept is fitted anew."""
SECONDS_EACH = 0.01
CLOSEST = 1e-4
"""How near a break-even is found."""


class CostModel(BaseModel):
    """Milliseconds of a layer at a number of tokens; coefficients of `_dense` and `_sparse`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: dict[str, str | int]
    """What it holds for; another processor, library or number of threads has another one."""
    dense: list[float]
    eight_bits: list[float]
    """Of a dense layer in 8 bits."""
    sparse: dict[int, list[float]]
    """By how many outputs are zero together: 1, or 4; and `INTEGERS`."""

    def predict(self, shape: tuple[int, int], unit: int, density: float) -> Speed:
        """The times of a weight [outputs, inputs].

        Args:
            shape: of the weight.
            unit: how many outputs share their zeros: 1, or 4; or `INTEGERS`.
            density: the share of the blocks of `unit` x 1 that are not zero; of 1 x 4.
        """
        return Speed(
            tokens=int(self.key["tokens"]),
            dense_ms=float(_dense(shape) @ np.array(self.dense)),
            sparse_ms=float(_sparse(shape, unit, density) @ np.array(self.sparse[unit])),
        )

    def in_eight_bits(self) -> CostModel:
        """The same, where dense layers are computed in 8 bits."""
        return self.model_copy(update={"dense": self.eight_bits})

    def break_even(self, shape: tuple[int, int], unit: int, slower: float = 1.0) -> float | None:
        """The sparsity from which on a weight of that shape is faster sparse, 0 to 1.

        Args:
            shape: [outputs, inputs].
            unit: how many outputs share their zeros.
            slower: how much slower than predicted the sparse one was against the dense one.

        Returns:
            None: it never is.
        """
        low, high = 0.0, 1.0
        if self.predict(shape, unit, low).ratio <= slower:
            return None
        while high - low > CLOSEST:
            middle = (low + high) / 2
            faster = self.predict(shape, unit, middle).ratio > slower
            low, high = (middle, high) if faster else (low, middle)
        return 1 - low


def cost_model(tokens: int, threads: int) -> CostModel:
    """The model for this machine: kept in the cache, or fitted now, in seconds.

    Args:
        tokens: rows of the layer's input.
        threads: threads of one operator.
    """
    return _read_or_fitted(*_place(tokens, threads))


def is_fitted(tokens: int, threads: int) -> bool:
    """Whether the model for this machine is kept, so that asking for it takes no time."""
    return _place(tokens, threads)[0].is_file()


def _place(tokens: int, threads: int) -> tuple[Path, str]:
    """Where the model is kept, and what it holds for."""
    said = json.dumps({**_machine(), "threads": threads, "tokens": tokens}, sort_keys=True)
    name = hashlib.sha256(said.encode()).hexdigest()[:16]
    return cache() / "cost-models" / f"{name}.json", said


def _machine() -> dict[str, str | int]:
    return {
        "processor": processor(),
        "kernels": kernels(),
        "library": built_from(),
        "onnxruntime": onnxruntime.__version__,
        "formula": FORMULA,
    }


@remembered
def _read_or_fitted(path: Path, key: str) -> CostModel:
    # a damaged file is made again
    with suppress(OSError, ValidationError):
        return CostModel.model_validate_json(path.read_text())
    made = fitted(json.loads(key))
    # without a cache the next run fits again: seconds, no result
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".part")
        draft.write_text(made.model_dump_json(indent=2))
        draft.replace(path)
    return made


def fitted(key: dict[str, str | int]) -> CostModel:
    """Time layers and fit the formula to them."""
    tokens, threads = int(key["tokens"]), int(key["threads"])
    rows: dict[int, list[tuple[np.ndarray, float]]] = {}
    for shape in SHAPES:
        for unit, density, taken_ms in _timed(shape, tokens, threads):
            whole = unit in (DENSE, EIGHT_BITS)
            terms = _dense(shape) if whole else _sparse(shape, unit, density)
            rows.setdefault(unit, []).append((terms, taken_ms))
    coefficients = {unit: _fit(found) for unit, found in rows.items()}
    dense, eight_bits = coefficients.pop(DENSE), coefficients.pop(EIGHT_BITS)
    return CostModel(key=key, dense=dense, eight_bits=eight_bits, sparse=coefficients)


def _timed(shape: tuple[int, int], tokens: int, threads: int) -> Iterator[tuple[int, float, float]]:
    """Unit, density and milliseconds of layers with random weights of that shape."""
    random = np.random.default_rng(0)
    weight = random.standard_normal(shape, dtype=np.float32)
    inputs = random.standard_normal((tokens, shape[1]), dtype=np.float32)
    order = random.random(shape, dtype=np.float32)
    layers = [
        (DENSE, 1.0, opened(weight, threads)),
        (EIGHT_BITS, 1.0, opened(weight, threads, eight_bits=True)),
    ]
    for unit, densities in DENSITIES.items():
        for density in densities:
            stored = thinned(weight, order < density, BLOCKS[unit], integers=unit == INTEGERS)
            layers.append((unit, density, opened(stored, threads)))
    for unit, density, layer in layers:
        (taken_ms,) = milliseconds([layer], inputs, threads=threads, seconds=SECONDS_EACH)
        yield unit, density, taken_ms


def _fit(rows: list[tuple[np.ndarray, float]]) -> list[float]:
    """Coefficients, none negative, with the least relative squared error."""
    from scipy.optimize import nnls

    terms = np.array([terms / taken_ms for terms, taken_ms in rows])
    scale = np.maximum(terms.max(axis=0), np.finfo(float).tiny)
    found, _ = nnls(terms / scale, np.ones(len(rows)))
    return [float(value) for value in found / scale]


def _dense(shape: tuple[int, int]) -> np.ndarray:
    """What a dense layer's time is made of: calls, sides, and numbers beyond each cache."""
    size = float(shape[0] * shape[1])
    beyond = [max(0.0, size - edge) for edge in (2**17, 2**20, 2**22 - 1)]
    return np.array([1.0, *shape, size, *beyond])


def _sparse(shape: tuple[int, int], unit: int, density: float) -> np.ndarray:
    """What a sparse layer's time is made of: calls, sides, the grid, and what is stored in it."""
    outputs, size = shape[0] / abs(unit), shape[0] * shape[1] / abs(unit)
    stored = density * size
    beyond = [max(0.0, stored - edge) for edge in (2**15, 2**18)]
    terms = [1.0, *shape, size, stored, stored * density, (outputs * stored) ** 0.5, *beyond]
    return np.array(terms)
