"""What runs and times ONNX files."""

from sparsify.runtime.bench import bench
from sparsify.runtime.library import library_path
from sparsify.runtime.session import logits, physical_cores, run, session

__all__ = ["bench", "library_path", "logits", "physical_cores", "run", "session"]
