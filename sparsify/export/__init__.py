"""What turns a program into an ONNX file, checks it, and describes it."""

import sys
from types import ModuleType
from typing import Any

from sparsify.export.emit import emit
from sparsify.export.parity import parity, require
from sparsify.export.rounding import without_rounding
from sparsify.export.summary import OnnxSummary, inspect_onnx

__all__ = ["OnnxSummary", "emit", "inspect_onnx", "parity", "require", "without_rounding"]


class _Callable(ModuleType):
    """This module, which can be called: `sparsify.export(program, path)` is `sparsify.to_onnx`."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        import sparsify

        return sparsify.to_onnx(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
