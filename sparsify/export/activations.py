"""The activations of linear layers in NumPy, by the names of `sparsify.export.portable`."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np


def _gelu(x: np.ndarray) -> np.ndarray:
    found: np.ndarray = x * (1 + np.vectorize(math.erf, otypes=[float])(x / math.sqrt(2))) / 2
    return found


def _gelu_tanh(x: np.ndarray) -> np.ndarray:
    found: np.ndarray = x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return found


def _silu(x: np.ndarray) -> np.ndarray:
    found: np.ndarray = x * (1 + np.tanh(x / 2)) / 2
    return found


ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "silu": _silu,
}
