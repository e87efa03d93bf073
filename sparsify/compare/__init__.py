"""What differs between two models, programs, recipes, runs or ONNX files."""

from sparsify.compare.changes import Change, Comparison, Hunk, Section
from sparsify.compare.subjects import Asked, compare

__all__ = ["Asked", "Change", "Comparison", "Hunk", "Section", "compare"]
