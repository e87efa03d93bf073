"""The machine as torch and ONNX Runtime see it: cores, threads, memory, kernels."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator

from sparsify.doctor.finding import Finding

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMP_WAIT_POLICY")
AGAIN = "install the package again"


def machine() -> Iterator[Finding]:
    import psutil
    import torch

    from sparsify.runtime.machine import processor

    yield Finding(
        name="system", value=f"{platform.system()} {platform.release()}, {platform.machine()}"
    )
    yield Finding(name="processor", value=processor())
    physical, logical = psutil.cpu_count(logical=False) or 1, os.cpu_count() or 1
    yield Finding(name="cores", value=f"{physical} physical, {logical} logical")
    yield threads(torch.get_num_threads(), logical)
    yield Finding(name="instructions of torch", value=torch.backends.cpu.get_cpu_capability())
    for name in THREADS:
        yield Finding(name=name, value=os.environ.get(name, "not set"))
    memory = psutil.virtual_memory()
    free = f"{memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB free"
    yield Finding(name="memory", value=free)
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    yield Finding(name="GPU", value=gpu)


def threads(count: int, cores: int) -> Finding:
    """How many threads torch computes with; more than cores are slower."""
    if count <= cores:
        return Finding(name="threads of torch", value=str(count))
    return Finding(
        name="threads of torch",
        value=str(count),
        wrong=f"torch computes with {count} threads on {cores} cores, which is slower",
        cure=f"set OMP_NUM_THREADS={cores}",
    )


def kernels() -> Iterator[Finding]:
    """The sparse kernels: whether they are there, fit their sources, and are taken."""
    import onnxruntime

    from sparsify.runtime import library
    from sparsify.runtime.kernel import build
    from sparsify.runtime.session import REFUSALS, reason

    yield Finding(name="compiler", value=build.compiler() or "none")
    yield Finding(name="providers", value=", ".join(onnxruntime.get_available_providers()))
    if missing := library.missing_library():
        what, _, cure = missing.partition(": ")
        yield Finding(name="library", value="none", wrong=what, cure=cure)
        return
    yield Finding(name="library", value=library.library_path())
    yield Finding(name="instructions", value=library.kernels())
    if library.built_from() != build.digest():
        what = "the kernels were compiled from other sources than those that are here"
        yield Finding(name="sources", value="changed", wrong=what, cure=AGAIN)
    try:
        onnxruntime.SessionOptions().register_custom_ops_library(library.library_path())
    except REFUSALS as error:
        what = f"ONNX Runtime refuses the kernels: {reason(error)}"
        yield Finding(name="registration", value="fails", wrong=what, cure=AGAIN, broken=True)
