"""What runs and times ONNX files."""

from sparsify.runtime.bench import bench
from sparsify.runtime.library import library_path
from sparsify.runtime.session import physical_cores, predict, run, session

__all__ = ["bench", "library_path", "physical_cores", "predict", "run", "session"]
