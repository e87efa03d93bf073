"""ONNX files in ONNX Runtime: opening them with clear mistakes, and running them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import onnxruntime
import psutil
from onnxruntime.capi import onnxruntime_pybind11_state as states

from sparsify.errors import Problem
from sparsify.runtime.domains import DOMAIN, domains
from sparsify.runtime.library import STOCK, kernels, library_path
from sparsify.tasks import SPAN

if TYPE_CHECKING:
    # a process that only runs files starts without torch
    from torch import Tensor

Arrays: TypeAlias = Mapping[str, "Tensor | np.ndarray"]
REFUSALS = (
    states.Fail,
    states.InvalidArgument,
    states.InvalidGraph,
    states.NotImplemented,
    states.RuntimeException,
)


def physical_cores() -> int:
    """Cores that this process may use; two hyper-threads of one core count once."""
    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(cores)
    return min(cores, len(usable))


def session(
    path: Path | str, *, threads: int | None = None, sparse: bool = True
) -> onnxruntime.InferenceSession:
    """An ONNX Runtime session on the CPU.

    Args:
        path: an ONNX file.
        threads: how many threads one operator may use; left out, one a physical core.
        sparse: whether sparse weights run in the sparse kernels, where they were compiled; without
            them ONNX Runtime computes the same with dense weights.

    Raises:
        Problem: the file is missing, is no ONNX file, or ONNX Runtime refuses it.
    """
    path = Path(path)
    if not path.is_file():
        raise Problem("no such file", where=str(path))
    options = session_options(threads, sparse=sparse and kernels_of(path) != STOCK)
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except (states.InvalidProtobuf, states.InvalidArgument):
        raise Problem("not an ONNX file, or cut off", where=str(path)) from None
    except REFUSALS as error:
        raise Problem(f"ONNX Runtime refuses it: {reason(error)}", where=str(path)) from error


def session_options(threads: int | None = None, *, sparse: bool) -> onnxruntime.SessionOptions:
    """What all our sessions share; see `session`."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or physical_cores()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if sparse:
        options.register_custom_ops_library(library_path())
    # threads that wait in one session must not slow down the next one
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return options


def kernels_of(path: Path) -> str:
    """What computes the file's products with weights: the sparse kernels' name, or `stock`."""
    return kernels() if DOMAIN in domains(path) else STOCK


def reason(error: Exception) -> str:
    """What ONNX Runtime says, on one line, without its codes and its source's paths."""
    first = str(error).strip().partition("\n")[0]
    return re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : (Load model from .* failed: ?)?", "", first)


def run(session: onnxruntime.InferenceSession, inputs: Arrays) -> list[np.ndarray]:
    """All outputs on `inputs`; those that the file does not have are left out.

    Raises:
        Problem: the file has an input that is not among `inputs`.
    """
    feeds = {}
    for wanted in session.get_inputs():
        if wanted.name not in inputs:
            given = f"given: {', '.join(inputs)}"
            raise Problem(f"the ONNX file needs an input {wanted.name!r}", hint=given)
        value = inputs[wanted.name]
        feeds[wanted.name] = value if isinstance(value, np.ndarray) else value.numpy(force=True)
    found: list[np.ndarray] = session.run(None, feeds)
    return found


def logits(session: onnxruntime.InferenceSession, batch: Arrays) -> np.ndarray:
    """What the tap `logits` is of the model in the file (see `sparsify.taps`), for one batch."""
    names = [each.name for each in session.get_outputs()]
    found = dict(zip(names, run(session, batch), strict=True))
    if found.keys() >= set(SPAN):
        return np.stack([found[name] for name in SPAN], axis=1)
    only: np.ndarray = found["logits" if "logits" in found else names[0]]
    return only
