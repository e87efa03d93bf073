"""What turns a program into an ONNX file, checks it, and describes it."""

from sparsify.export.emit import emit
from sparsify.export.parity import parity, require
from sparsify.export.rounding import without_rounding
from sparsify.export.summary import OnnxSummary, inspect_onnx

__all__ = ["OnnxSummary", "emit", "inspect_onnx", "parity", "require", "without_rounding"]
