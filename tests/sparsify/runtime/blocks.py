"""Self-attention of random layers in an ONNX file, as one operator."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from sparsify.export import heads as attention
from sparsify.export import normalizations, portable, self_attention
from sparsify.runtime.domains import DOMAIN
from sparsify.storage import decoded
from tests.sparsify.runtime.layers import Arrays, pruned, stored, tensors

EPSILON = 1e-3
MASKS = {
    "none": None,
    "keys": lambda batch, heads, tokens: (batch, 1, 1, tokens),
    "queries": lambda batch, heads, tokens: (tokens, tokens),
    "columns": lambda batch, heads, tokens: (heads, tokens, 1),
    "all": lambda batch, heads, tokens: (batch, heads, tokens, tokens),
}
"""The shapes of masks, and what they differ by."""


class Block:
    """Random layers of `heads` heads."""

    def __init__(
        self,
        heads: int,
        width: int = 8,
        value_width: int = 8,
        inputs: int = 16,
        outputs: int = 16,
        *,
        block: tuple[int, int] = (1, 1),
        storage: str = "gaps",
        integers: bool = False,
        normalized: bool = False,
        seed: int = 0,
    ) -> None:
        wide, tall = heads * width, heads * value_width
        shapes = [(wide, inputs), (wide, inputs), (tall, inputs), (outputs, tall)]
        self.form = (portable.INTEGER if integers else "") + storage
        self.random = np.random.default_rng(seed)
        self.heads, self.normalized, self.weights = heads, normalized, []
        self.stored: Arrays = {}
        self.attributes: dict[str, Any] = {"heads": [heads]}
        for index, (prefix, shape) in enumerate(zip(portable.SELF_ATTENTION, shapes, strict=True)):
            weight = stored(
                pruned(shape, block, 0.6, seed + index), block, storage, integers=integers
            )
            bias = self.numbers(shape[0])
            self.stored |= {prefix + name: each for name, each in tensors(weight, bias).items()}
            self.attributes |= {f"{prefix}shape": list(shape), f"{prefix}block": list(block)}
            self.weights.append((decoded(weight).astype(np.float64), bias))
        self.stored["scale"] = np.array(width**-0.5, np.float32)
        self.norm: Arrays = {}
        if normalized:
            self.attributes["epsilon"] = EPSILON
            self.norm = {name: self.numbers(outputs) for name in normalizations.INPUTS[1:]}

    def numbers(self, *shape: int) -> np.ndarray:
        return self.random.standard_normal(shape).astype(np.float32)

    def feed(self, batch: int, tokens: int, mask: str = "none") -> Arrays:
        fed = {"x": self.numbers(batch, tokens, self.weights[0][0].shape[1])}
        if shape := MASKS[mask]:
            allowed = self.random.random(shape(batch, self.heads, tokens)) < 0.7
            lowest = np.finfo(np.float32).min
            fed["mask"] = np.where(allowed, 0, lowest).astype(np.float32)
        if self.normalized:
            fed["residual"] = self.numbers(batch, tokens, self.weights[-1][0].shape[0])
        return fed

    def model(self, fed: Arrays) -> bytes:
        """A model of one operator; what is `fed` is an input of the model."""
        masked = "mask" in fed
        layers = [
            portable.function(self.form, "", 20),
            attention.function(masked, 20),
            self_attention.function(self.form, masked, 20),
        ]
        if self.normalized:
            layers.append(normalizations.function(layers[-1], 20))
        parts = {**self.stored, **self.norm}
        names = ["x", *self.stored, *(["mask"] if masked else [])]
        names += [*normalizations.INPUTS] if self.normalized else []
        node = helper.make_node(layers[-1].name, names, ["y"], domain=DOMAIN, **self.attributes)
        inputs = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * each.ndim)
            for name, each in fed.items()
        ]
        outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * 3)]
        kept = [
            numpy_helper.from_array(each, name) for name, each in parts.items() if name not in fed
        ]
        graph = helper.make_graph([node], "block", inputs, outputs, kept)
        opsets = [helper.make_opsetid("", 20), helper.make_opsetid(DOMAIN, portable.VERSION)]
        made = helper.make_model(graph, opset_imports=opsets, functions=layers, ir_version=10)
        serialized: bytes = made.SerializeToString()
        return serialized

    def expected(self, feed: Arrays) -> np.ndarray:
        inputs = feed["x"].astype(np.float64)
        query, key, value = (
            (inputs @ weight.T + bias).reshape(*inputs.shape[:2], self.heads, -1)
            for weight, bias in self.weights[:3]
        )
        scores = np.einsum("bqhw,bkhw->bhqk", query, key) * self.stored["scale"]
        scores = scores + feed.get("mask", 0)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        mixed = np.einsum("bhqk,bkhv->bqhv", shares, value).reshape(*inputs.shape[:2], -1)
        weight, bias = self.weights[3]
        made: np.ndarray = mixed @ weight.T + bias
        if not self.normalized:
            return made
        made = made + feed["residual"]
        apart = made - made.mean(-1, keepdims=True)
        deviation = np.sqrt((apart**2).mean(-1, keepdims=True) + EPSILON)
        scale, bias = self.norm.values()
        normalized: np.ndarray = apart / deviation * scale + bias
        return normalized
