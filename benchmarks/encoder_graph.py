"""A BERT encoder as an ONNX graph, made by hand in the form that ONNX Runtime runs fastest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
from onnx import NodeProto, TensorProto, helper, numpy_helper

from benchmarks.shapes import SEED, Shape

Prune = Callable[[np.ndarray], np.ndarray]
OPSET = 20


class Encoder:
    """Layers of attention and feed-forward with random weights, without embeddings.

    Attention is MatMul, Softmax, MatMul and a residual is a Sum: what ONNX Runtime fuses instead
    is slower on a CPU.
    """

    def __init__(self, shape: Shape, prune: Prune) -> None:
        self.shape, self.prune = shape, prune
        self.random = np.random.default_rng(SEED)
        self.nodes: list[NodeProto] = []
        self.stored: dict[str, np.ndarray] = {
            "scale": np.array((shape.width // shape.heads) ** -0.5, np.float32),
            "apart": np.array([0, 0, shape.heads, -1]),
            "together": np.array([0, 0, -1]),
        }

    def model(self) -> ir.Model:
        """From `hidden` f32[batch, sequence, width] to `encoded`, of the same shape."""
        value = "hidden"
        for layer in range(self.shape.layers):
            value = self._layer(value, f"layer{layer}")
        self._node("Identity", value, "encoded")
        ends = [
            helper.make_tensor_value_info(
                name, TensorProto.FLOAT, ["batch", "sequence", self.shape.width]
            )
            for name in ("hidden", "encoded")
        ]
        stored = [numpy_helper.from_array(array, name) for name, array in self.stored.items()]
        graph = helper.make_graph(self.nodes, "encoder", ends[:1], ends[1:], stored)
        opsets = [helper.make_opsetid("", OPSET)]
        made = helper.make_model(graph, opset_imports=opsets, ir_version=10)
        return ir.serde.deserialize_model(onnx.shape_inference.infer_shapes(made))

    def _layer(self, value: str, name: str) -> str:
        heads = {
            part: self._node(
                "Transpose",
                self._node("Reshape", self._linear(value, f"{name}.{part}"), "apart"),
                perm=[0, 2, 3, 1] if part == "key" else [0, 2, 1, 3],
            )
            for part in ("query", "key", "value")
        }
        scores = self._node("MatMul", self._node("Mul", heads["query"], "scale"), heads["key"])
        mixed = self._node("MatMul", self._node("Softmax", scores, axis=-1), heads["value"])
        mixed = self._node("Transpose", mixed, perm=[0, 2, 1, 3])
        mixed = self._linear(self._node("Reshape", mixed, "together"), f"{name}.output")
        value = self._norm(self._node("Sum", mixed, value), f"{name}.attention_norm")
        wide = self._node("Gelu", self._linear(value, f"{name}.up"))
        return self._norm(
            self._node("Sum", self._linear(wide, f"{name}.down"), value), f"{name}.norm"
        )

    def _linear(self, value: str, name: str) -> str:
        layer, _, part = name.partition(".")
        outputs, inputs = self.shape.matrices()[f"{layer}.{part}"]
        weight = self.random.standard_normal((outputs, inputs), dtype=np.float32) * np.float32(0.04)
        self.stored[f"{name}.weight"] = np.ascontiguousarray(self.prune(weight).T)
        self.stored[f"{name}.bias"] = np.zeros(outputs, np.float32) + np.float32(0.01)
        product = self._node("MatMul", value, f"{name}.weight")
        return self._node("Add", product, f"{name}.bias")

    def _norm(self, value: str, name: str) -> str:
        self.stored[f"{name}.weight"] = np.ones(self.shape.width, np.float32)
        self.stored[f"{name}.bias"] = np.zeros(self.shape.width, np.float32)
        return self._node("LayerNormalization", value, f"{name}.weight", f"{name}.bias", axis=-1)

    def _node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        *given, output = inputs if kind == "Identity" else (*inputs, f"value{len(self.nodes)}")
        self.nodes.append(helper.make_node(kind, given, [output], **attributes))
        return output


def in_blocks(block: tuple[int, int], sparsity: float) -> Prune:
    """Random zeros in blocks of outputs x inputs."""
    random = np.random.default_rng(SEED + 1)

    def prune(weight: np.ndarray) -> np.ndarray:
        grid = [size // side for size, side in zip(weight.shape, block, strict=True)]
        kept = random.random(grid, dtype=np.float32) >= sparsity
        return weight * np.repeat(np.repeat(kept, block[0], axis=0), block[1], axis=1)

    return prune
