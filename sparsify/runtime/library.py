"""The sparse kernels as a library that ONNX Runtime loads, if they were compiled here."""

from __future__ import annotations

import ctypes
import sys

from sparsify.errors import Problem
from sparsify.runtime.kernel.build import LIBRARY, compiler

STOCK = "stock"
"""What runs without the sparse kernels: ONNX Runtime's own, dense."""


def library_path() -> str:
    """The path for `SessionOptions.register_custom_ops_library`.

    Raises:
        Problem: the kernels were not compiled when the package was installed.
    """
    if missing := missing_library():
        raise Problem(missing)
    return str(LIBRARY)


def missing_library() -> str:
    """Why there are no sparse kernels, in one sentence, or empty."""
    if LIBRARY.is_file():
        return ""
    if sys.platform != "linux":
        return "sparse kernels are compiled on Linux only, so sparse weights run dense here"
    cure = "install the package again" if compiler() else "install g++, then the package again"
    return f"the sparse kernels were not compiled, so sparse weights run dense: {cure}"


def kernels() -> str:
    """What runs here: `avx512vnni`, `avx512`, `avx2` or `portable` kernels; else `stock`."""
    if missing_library():
        return STOCK
    name = ctypes.CDLL(str(LIBRARY)).SparsifyKernels
    name.restype = ctypes.c_char_p
    return str(name().decode()) or STOCK


def built_from() -> str:
    """The digest of the sources that the library was compiled from."""
    digest = ctypes.CDLL(library_path()).SparsifyDigest
    digest.restype = ctypes.c_char_p
    return str(digest().decode())
