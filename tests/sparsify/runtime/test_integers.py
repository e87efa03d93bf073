"""Products of 8-bit integers: the same on every processor, and in ONNX Runtime alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sparsify.runtime.layers import (
    check,
    layer,
    open_layer,
    product_of_integers,
    pruned,
    stored,
    tensors,
)
from tests.sparsify.runtime.test_kernel import RUNS, close

pytestmark = pytest.mark.skipif(not RUNS, reason="the sparse kernels were not compiled")
BLOCKS = [(1, 4), (1, 1), (4, 4), (2, 3), (8, 8)]
ONLY_ROUNDING = 1e-6
"""Of 32-bit floats, where integers are exact."""


@settings(max_examples=150, deadline=None)
@given(
    grid=st.tuples(st.integers(1, 40), st.integers(1, 400)),
    block=st.sampled_from(BLOCKS),
    sparsity=st.sampled_from([0.0, 0.5, 0.9, 1.0]),
    tokens=st.sampled_from([1, 2, 4, 5, 8, 16, 31, 64, 65, 129]),
    form=st.sampled_from(["gaps", "csr"]),
    level=st.sampled_from(RUNS or ["none"]),
    threads=st.integers(1, 3),
    seed=st.integers(0, 1000),
)
def test_integers_are_multiplied_exactly(
    grid: tuple[int, int],
    block: tuple[int, int],
    sparsity: float,
    tokens: int,
    form: str,
    level: str,
    threads: int,
    seed: int,
) -> None:
    shape, random = (grid[0] * block[0], grid[1] * block[1]), np.random.default_rng(seed)
    weight = stored(pruned(shape, block, sparsity, seed), block, form, integers=True)
    bias = random.standard_normal(shape[0]).astype(np.float32)
    shift = random.uniform(-3, 3)  # so that some tokens have no number below or above zero
    inputs = (random.standard_normal((tokens, shape[1])) + shift).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARSIFY_KERNEL", level)
        session = open_layer(
            layer(tensors(weight, bias), shape, block, integers=True), threads=threads
        )
        found = session.run(None, {"x": inputs})[0]
    expected = product_of_integers(weight, inputs, bias)
    size = np.abs(product_of_integers(weight, inputs, 0 * bias)).max() + np.abs(bias).max()
    assert np.abs(found - expected).max() <= ONLY_ROUNDING * size


@pytest.mark.parametrize("form", ["gaps", "csr"])
@pytest.mark.parametrize("activation", ["", "relu", "gelu", "gelu_tanh", "silu"])
def test_onnx_runtime_alone_rounds_alike(form: str, activation: str) -> None:
    weight = stored(pruned((48, 64), (1, 4), 0.5, 0), (1, 4), form, integers=True)
    model = layer(tensors(weight), (48, 64), (1, 4), activation=activation, integers=True)
    check(model)
    inputs = np.random.default_rng(1).standard_normal((33, 64)).astype(np.float32)
    alone, ours = (
        open_layer(model, sparse=sparse).run(None, {"x": inputs})[0] for sparse in (False, True)
    )
    assert close(ours, alone)


@pytest.mark.parametrize("level", RUNS)
def test_a_token_that_is_not_finite_spoils_no_other(
    level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARSIFY_KERNEL", level)
    weight = stored(pruned((12, 40), (1, 4), 0.5, 0), (1, 4), integers=True)
    session = open_layer(layer(tensors(weight), (12, 40), (1, 4), integers=True))
    inputs = np.random.default_rng(1).standard_normal((70, 40)).astype(np.float32)
    expected = session.run(None, {"x": inputs})[0]
    inputs[3, 7], inputs[66, 0] = np.nan, -np.inf
    found = session.run(None, {"x": inputs})[0]
    assert np.isnan(found[[3, 66]]).all()
    others = np.delete(np.arange(70), [3, 66])
    assert np.array_equal(found[others], expected[others])


@pytest.mark.parametrize("tokens", [1, 20])
def test_tokens_of_zeros_and_of_the_smallest_numbers_give_the_bias(tokens: int) -> None:
    weight = stored(pruned((12, 40), (1, 4), 0.5, 0), (1, 4), integers=True)
    bias = np.arange(12, dtype=np.float32)
    session = open_layer(layer(tensors(weight, bias), (12, 40), (1, 4), integers=True))
    for number in (0, 1e-40, -1e-40):
        found = session.run(None, {"x": np.full((tokens, 40), number, np.float32)})[0]
        assert np.array_equal(found, np.broadcast_to(bias, (tokens, 12)))
