"""What runs and times ONNX files."""

from sparsify.runtime.bench import bench
from sparsify.runtime.session import physical_cores, predict, run, session

__all__ = ["bench", "physical_cores", "predict", "run", "session"]
