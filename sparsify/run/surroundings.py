"""On what a run ran: versions of packages, processor, threads."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version

import torch

from sparsify.runtime.machine import processor

PACKAGES = ("sparsify-fx", "torch", "transformers", "onnx", "onnxruntime", "numpy")


def versions() -> dict[str, str]:
    """The version of Python and of every package that numbers depend on."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def machine() -> dict[str, str]:
    """The system, the processor and what of it is used."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "torch_threads": str(torch.get_num_threads()),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "gpu": gpu,
    }
