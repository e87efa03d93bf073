"""Small ONNX files, made by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file that looks up ids in an embedding of `rows` rows, and returns its path."""

    def made(name: str = "model.onnx", *, rows: int = 7, opset: int = 18) -> Path:
        table = np.arange(rows * 4, dtype=np.float32).reshape(rows, 4)
        nodes = [
            helper.make_node("Gather", ["table", "input_ids"], ["words"]),
            helper.make_node("ReduceMean", ["words", "axis"], ["logits"], keepdims=0),
        ]
        axes = ["batch", "sequence"]
        graph = helper.make_graph(
            nodes,
            "words",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, axes)],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 4])],
            [
                numpy_helper.from_array(table, "table"),
                numpy_helper.from_array(np.array([1]), "axis"),
            ],
        )
        opsets = [helper.make_opsetid("", opset)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), tmp_path / name)
        return tmp_path / name

    return made
