"""How weights are stored in the ONNX file."""

from __future__ import annotations

import numpy as np

from sparsify.kinds import lowering


@lowering
def dense(array: np.ndarray) -> np.ndarray:
    """Every number, zeros included, as it is.

    Args:
        array: a weight with two or more dimensions.
    """
    return array
