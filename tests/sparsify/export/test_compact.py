"""Dead neurons between two layers leave both weights: the same outputs, smaller products."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import NodeProto

from sparsify.export import fastest, lowered
from sparsify.export.sparse import lower
from sparsify.kinds import lowering
from sparsify.report import StoredWeight
from sparsify.runtime import session
from tests.sparsify.export.test_cost_model import MADE
from tests.sparsify.export.test_pairs import ACTIVATIONS
from tests.sparsify.export.test_sparse import TOLERANCE, model, node

RANDOM = np.random.default_rng(0)
UP, GATE = RANDOM.standard_normal((2, 64, 40)).astype(np.float32)
DOWN = RANDOM.standard_normal((24, 64)).astype(np.float32)
BIAS = np.linspace(-1, 1, 64, dtype=np.float32)
SHIFT = np.linspace(-1, 1, 24, dtype=np.float32)
DEAD = np.arange(64) % 2 == 1


@pytest.fixture(autouse=True)
def _no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is timed."""
    for module in (fastest, lowered):
        monkeypatch.setattr(module, "missing_library", lambda: "there is none")


def without(weight: np.ndarray, dead: np.ndarray, axis: int) -> np.ndarray:
    """`weight` with zeros in these outputs (0) or inputs (1)."""
    kept = ~dead[:, None] if axis == 0 else ~dead
    found: np.ndarray = weight * kept
    return found


def feed_forward(activation: str = "Gelu") -> list[NodeProto]:
    return [
        node("MatMul", "x", "up", "product"),
        node("Add", "product", "bias", "sum"),
        *ACTIVATIONS[activation],
        node("MatMul", "wide" if activation else "sum", "down", "narrow"),
        node("Add", "narrow", "shift", "y"),
    ]


def compacted(
    made: ir.Model, folder: Path, name: str = "auto", **options: Any
) -> dict[str, StoredWeight]:
    """What is told of the weights; stock ONNX Runtime computes the same from the file as before."""
    ir.save(made, folder / "before.onnx")
    report = [each.told for each in lower(made, lowering.choose(name, **options), {"rows": 5})]
    ir.save(made, folder / "after.onnx")
    onnx.checker.check_model(str(folder / "after.onnx"), full_check=True)
    feed = {"x": np.random.default_rng(1).standard_normal((5, 40)).astype(np.float32)}
    before, after = (
        session(folder / file, threads=1, sparse=False).run(None, feed)[0]
        for file in ("before.onnx", "after.onnx")
    )
    assert np.abs(before - after).max() <= TOLERANCE * np.abs(before).max()
    return {each.name: each for each in report}


def stored(folder: Path) -> dict[str, tuple[int, ...]]:
    """The shapes of what the file holds."""
    graph = onnx.load(folder / "after.onnx").graph
    return {each.name: tuple(each.dims) for each in graph.initializer}


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_neurons_that_are_zero_leave_and_their_constant_goes_into_the_next_bias(
    activation: str, tmp_path: Path
) -> None:
    up = without(UP, DEAD, 0)
    biases = {"bias": BIAS.copy(), "shift": SHIFT.copy()}
    made = model(*feed_forward(activation), up=up.T.copy(), down=DOWN.T.copy(), **biases)
    told = compacted(made, tmp_path)
    assert stored(tmp_path) == {"up": (40, 32), "bias": (32,), "down": (32, 24), "shift": (24,)}
    assert told["up"].form == told["down"].form == "compacted"
    assert told["up"].reason == "32 of 64 outputs removed: zero, or never read"
    assert told["down"].reason == "32 of 64 inputs removed: zero, or never read"
    assert (told["up"].shape, told["up"].sparsity) == ((40, 64), 0.5)
    assert (told["up"].dense_bytes, told["up"].stored_bytes) == (40 * 64 * 4, 40 * 32 * 4)


def test_neurons_that_nobody_reads_leave(tmp_path: Path) -> None:
    down = without(DOWN, DEAD, 1)
    made = model(*feed_forward(), up=UP.T.copy(), down=down.T.copy(), bias=BIAS.copy(), shift=SHIFT)
    compacted(made, tmp_path)
    assert stored(tmp_path)["up"] == (40, 32)


def test_weights_that_lie_as_outputs_and_inputs_are_cut_too(tmp_path: Path) -> None:
    made = model(
        node("Gemm", "x", "up", "bias", "sum", transB=1),
        node("Relu", "sum", "wide"),
        node("Gemm", "wide", "down", "shift", "y", transB=1),
        up=without(UP, DEAD, 0), down=DOWN, bias=BIAS.copy(), shift=SHIFT.copy(),
    )  # fmt: skip
    told = compacted(made, tmp_path)
    assert (stored(tmp_path)["up"], stored(tmp_path)["down"]) == ((32, 40), (24, 32))
    assert told["down"].shape == (24, 64)


@pytest.mark.parametrize("zero", ["up", "gate", "down"])
def test_a_gated_block_is_cut_in_all_three_weights(zero: str, tmp_path: Path) -> None:
    weights = {"up": UP, "gate": GATE, "down": DOWN}
    weights[zero] = without(weights[zero], DEAD, int(zero == "down"))
    made = model(
        node("MatMul", "x", "up", "open"),
        node("MatMul", "x", "gate", "closed"),
        node("Sigmoid", "closed", "share"),
        node("Mul", "closed", "share", "passing"),
        node("Mul", "passing", "open", "wide"),
        node("MatMul", "wide", "down", "y"),
        **{name: array.T.copy() for name, array in weights.items()},
    )
    compacted(made, tmp_path)
    assert stored(tmp_path) == {"up": (40, 32), "gate": (40, 32), "down": (32, 24)}


def test_a_gate_that_is_one_number_for_all_neurons_stays(tmp_path: Path) -> None:
    made = pair(
        node("MatMul", "x", "up", "open"),
        node("MatMul", "x", "share", "passing"),
        node("Mul", "passing", "open", "wide"),
        node("MatMul", "wide", "down", "y"),
        share=GATE[:1].T.copy(),
    )
    assert not any(each.form == "compacted" for each in compacted(made, tmp_path).values())


def test_what_is_left_may_be_sparse(tmp_path: Path) -> None:
    up = without(UP, DEAD, 0) * (RANDOM.random(UP.shape) < 0.05)
    made = model(
        *feed_forward(), up=up.T.copy(), down=DOWN.T.copy(), bias=BIAS.copy(), shift=SHIFT.copy()
    )
    told = compacted(made, tmp_path)
    assert told["up"].form == "compacted, gaps u8"
    assert told["up"].reason.startswith("32 of 64 outputs removed: zero, or never read; ")


def test_speeds_are_those_of_the_whole_dense_weight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lowered, "missing_library", lambda: "")
    monkeypatch.setattr(lowered, "cost_model", lambda *_: MADE)
    made = pair(*feed_forward(), bias=BIAS.copy(), shift=SHIFT.copy())
    speed = compacted(made, tmp_path)["up"].predicted
    assert speed is not None
    assert speed.dense_ms == MADE.predict((64, 40), 1, 1.0).dense_ms
    assert speed.sparse_ms == MADE.predict((32, 40), 1, 1.0).dense_ms


def test_blocks_of_numbers_stay_blocks(tmp_path: Path) -> None:
    """Of four outputs that are zero together all leave or none."""
    up = UP * np.repeat(np.random.default_rng(2).random((16, 40)) < 0.3, 4, axis=0)
    dead = (np.arange(64) % 4 < 3) | (np.arange(64) < 32)
    biases = {"bias": BIAS.copy(), "shift": SHIFT.copy()}
    down = without(DOWN, dead, 1)
    made = model(*feed_forward(), up=up.T.copy(), down=down.T.copy(), **biases)
    compacted(made, tmp_path)
    assert stored(tmp_path)["bias"] == (32,)


def pair(*nodes: NodeProto, **more: np.ndarray) -> ir.Model:
    return model(*nodes, up=without(UP, DEAD, 0).T.copy(), down=DOWN.T.copy(), **more)


@pytest.mark.parametrize(
    "made",
    [
        # the next layer has no bias for what the neurons are
        pair(*feed_forward()[:-2], node("MatMul", "wide", "down", "y"), bias=BIAS),
        # another node reads the neurons
        pair(*feed_forward()[:-1], node("ReduceSum", "wide", "total"),
             node("Add", "narrow", "total", "y"), bias=BIAS),
        # what lies between is not known neuron by neuron
        pair(node("MatMul", "x", "up", "sum"), node("Softmax", "sum", "wide", axis=-1),
             node("MatMul", "wide", "down", "y")),
    ],
)  # fmt: skip
def test_what_is_not_known_to_be_the_same_stays(made: ir.Model, tmp_path: Path) -> None:
    told = compacted(made, tmp_path)
    assert not any(each.form.startswith("compacted") for each in told.values())


def test_only_a_lowering_that_wants_speed_cuts(tmp_path: Path) -> None:
    made = pair(*feed_forward(), bias=BIAS, shift=SHIFT)
    assert compacted(made, tmp_path, "dense")["up"].form == "dense"
    assert stored(tmp_path)["up"] == (40, 64)


def test_layers_that_multiply_integers_skip_the_zeros_instead(tmp_path: Path) -> None:
    made = pair(*feed_forward(), bias=BIAS, shift=SHIFT)
    found = lower(made, lowering.choose("auto", activations="int8"), {"rows": 5})
    assert not any(each.told.form.startswith("compacted") for each in found)
