"""What ranges the inputs of layers have on the user's data: ONNX Runtime runs it and tells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
from onnx import TensorProto, helper

from sparsify.export.quantize import Ranges
from sparsify.export.readings import inputs_of_layers
from sparsify.runtime.session import Arrays, run, session

ENDS = {"ReduceMin": "lowest", "ReduceMax": "highest"}


def calibrated(model: ir.Model, batches: Sequence[Arrays], folder: Path) -> Ranges:
    """The lowest and the highest number of each input of a layer that `quantize` rounds.

    Args:
        model: the model with 32-bit numbers, not changed.
        batches: inputs of the model, one or more.
        folder: where files may lie for as long as this takes.
    """
    names = inputs_of_layers(model)
    if not names:
        return {}
    path = folder / "calibration.onnx"
    ir.save(model, path, format="protobuf", external_data=f"{path.name}.data")
    watched = onnx.load(path, load_external_data=False)
    for name in names:
        for kind, end in ENDS.items():
            output = f"{name}.{end}"
            watched.graph.node.append(helper.make_node(kind, [name], [output], keepdims=0))
            value = helper.make_tensor_value_info(output, TensorProto.FLOAT, [])
            watched.graph.output.append(value)
    onnx.save(watched, path)
    opened = session(path)
    seen = np.array([run(opened, batch)[-2 * len(names) :] for batch in batches], np.float64)
    lowest, highest = seen[:, ::2].min(axis=0), seen[:, 1::2].max(axis=0)
    return dict(zip(names, zip(lowest.tolist(), highest.tolist(), strict=True), strict=True))
