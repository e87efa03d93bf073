"""What is known of one ONNX file: how it is stored, whether it is right, and how fast it is."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

QUANTIZED = "model_quantized.onnx"
"""The second file, under the name that Optimum gives it."""


class Part(BaseModel):
    """A part of the report; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")


class Parity(Part):
    """How far ONNX Runtime's outputs are from PyTorch's."""

    max_abs_difference: float
    scale: float = 1.0
    """The largest absolute output, at least 1: what `tolerance` is relative to."""
    tolerance: float
    shapes: list[list[int]]
    """The [batch, sequence] shapes that were tried."""
    kernels: str = "stock"
    """What computed products with sparse weights; see `Latency.kernels`."""
    rounded: bool = False
    """Whether PyTorch computed with the weights that 16-bit or 8-bit values rounded."""
    inputs_rounded_difference: float | None = None
    """The difference with the inputs of layers rounded to 8 bits, too, where they are in the file:
    told, not judged."""


class Speed(Part):
    """One linear layer alone, dense and sparse."""

    tokens: int
    dense_ms: float
    sparse_ms: float

    @property
    def ratio(self) -> float:
        """How many times faster the sparse one is."""
        return self.dense_ms / self.sparse_ms


class StoredWeight(Part):
    """How one weight is stored in the ONNX file."""

    name: str
    shape: tuple[int, ...]
    sparsity: float
    """The share of its numbers that are zero, 0 to 1."""
    form: str
    """`dense`, `coo`, `compacted`, or such as `gaps u8, blocks 4x1`."""
    reason: str
    dense_bytes: int
    stored_bytes: int
    predicted: Speed | None = None
    """By what was timed once on this machine."""
    measured: Speed | None = None


class Forecast(Part):
    """An ONNX file as it would be, predicted without making it."""

    size_bytes: int
    stored: list[StoredWeight] = []
    """Every weight, where something is chosen for it."""
    linear_ms: float | None = None
    """All products with weights together, one text, by what was timed once on this machine.

    Attention's own products, normalisation, look-ups and all else are no part of it.
    """
    cut_later: list[str] = []
    """Weights with neurons that are zero, which the export cuts out where the layers on both sides
    allow it: the file is then smaller and faster than is said here."""


class Latency(Part):
    """One ONNX file, timed interleaved with the others of its table."""

    file: str
    median_ms: float
    spread_ms: float
    """Half the distance between the quartiles."""
    ratio: float
    """Median of the first file divided by this one's: above 1 is faster."""
    threads: int
    batch: int
    sequence: int
    kernels: str = ""
    """What computed products with weights: `avx512vnni`, `avx512`, `avx2` or `portable` sparse
    kernels, or `stock`, ONNX Runtime's own."""
    size_bytes: int = 0
    """Of the file and of the weights that lie beside it."""
    gzip_bytes: int = 0
    """The same, packed by gzip at its fastest."""
    sizes: dict[str, int] = {}
    """Of other dimensions than batch and sequence, by their names in the file."""
    load_ms: float = 0.0
    """Of the file in a process of its own."""
    memory_mb: float = 0.0
    """Resident memory that opening the file and one run added to that process."""
    peak_memory_mb: float = 0.0
    """The most that it was on the way."""


class Quantized(Part):
    """A second file, in which what stays dense is computed in 8 bits."""

    mode: Literal["dynamic", "static"]
    """Whether every run finds the ranges of inputs, or calibration rows fixed them."""
    stored: list[StoredWeight]
    size_bytes: int
    max_abs_difference: float
    """Of its outputs from PyTorch's in 32 bits."""
    scale: float
    """The largest absolute output, at least 1."""


class Exported(Part):
    """One ONNX file: how its weights are stored, and that it computes what PyTorch does."""

    stored: list[StoredWeight]
    parity: Parity
    stock_parity: Parity | None = None
    """Without the sparse kernels, where `parity` is with them."""
    quantized: Quantized | None = None
    warnings: list[str] = []
