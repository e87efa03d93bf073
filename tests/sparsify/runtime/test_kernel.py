"""The sparse kernels against products in 64-bit floats, on every kind of processor."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import erf

from sparsify.runtime.library import kernels
from tests.sparsify.runtime.layers import layer, open_layer, pruned, stored, tensors

TOLERANCE = 1e-5
LEVELS = ("portable", "avx2", "avx512", "avx512vnni")
RUNS = LEVELS[: LEVELS.index(kernels()) + 1] if kernels() in LEVELS else ()
BLOCKS = [(1, 1), (1, 4), (4, 1), (2, 3), (8, 2), (16, 16)]

pytestmark = pytest.mark.skipif(not RUNS, reason="the sparse kernels were not compiled")


def close(found: np.ndarray, expected: np.ndarray) -> bool:
    """Whether two arrays differ by no more than the tolerance, measured by the largest number."""
    return bool(
        np.abs(found - expected).max(initial=0) <= TOLERANCE * np.abs(expected).max(initial=0)
    )


@settings(max_examples=150, deadline=None)
@given(
    grid=st.tuples(st.integers(1, 40), st.integers(1, 60)),
    block=st.sampled_from(BLOCKS),
    sparsity=st.sampled_from([0.0, 0.3, 0.5, 0.9, 0.97, 1.0]),
    tokens=st.sampled_from([1, 2, 3, 4, 5, 8, 15, 16, 31, 33, 63, 64, 65, 128, 129, 200]),
    form=st.sampled_from(["gaps", "csr"]),
    level=st.sampled_from(RUNS or ["none"]),
    threads=st.integers(1, 3),
    seed=st.integers(0, 1000),
)
def test_a_product_is_that_of_the_dense_weight(
    grid: tuple[int, int],
    block: tuple[int, int],
    sparsity: float,
    tokens: int,
    form: str,
    level: str,
    threads: int,
    seed: int,
) -> None:
    shape = (grid[0] * block[0], grid[1] * block[1])
    weight, random = pruned(shape, block, sparsity, seed), np.random.default_rng(seed)
    bias = random.standard_normal(shape[0]).astype(np.float32)
    inputs = random.standard_normal((tokens, shape[1])).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARSIFY_KERNEL", level)
        parts = tensors(stored(weight, block, form), bias)
        found = open_layer(layer(parts, shape, block), threads=threads).run(None, {"x": inputs})[0]
    assert close(found, inputs.astype(np.float64) @ weight.T + bias)


@pytest.mark.parametrize("level", RUNS)
@pytest.mark.parametrize(
    ("activation", "exact"),
    [
        ("relu", lambda x: np.maximum(x, 0)),
        ("gelu", lambda x: x * (1 + erf(x / np.sqrt(2))) / 2),
        ("gelu_tanh", lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))),
        ("silu", lambda x: x / (1 + np.exp(-x))),
    ],
)
def test_activations_are_accurate_to_the_last_places(
    level: str,
    activation: str,
    exact: Callable[[np.ndarray], np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SPARSIFY_KERNEL", level)
    parts = tensors(stored(np.eye(8, dtype=np.float32)))
    inputs = np.linspace(-30, 30, 8 * 4000, dtype=np.float32).reshape(-1, 8)
    found = open_layer(layer(parts, (8, 8), activation=activation)).run(None, {"x": inputs})[0]
    expected = exact(inputs.astype(np.float64))
    # beside its zeros the formula in 64 bits loses digits itself: those are held absolutely
    assert np.all(np.abs(found - expected) <= TOLERANCE * np.abs(expected) + 1e-7)


@pytest.mark.parametrize("shape", [(30,), (2, 30), (2, 3, 30), (2, 3, 4, 30), (0, 30), (2, 0, 30)])
def test_inputs_of_every_rank_keep_their_dimensions(shape: tuple[int, ...]) -> None:
    weight = pruned((20, 30), (1, 1), 0.8, 0)
    inputs = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    session = open_layer(layer(tensors(stored(weight)), (20, 30), rank=len(shape)))
    found = session.run(None, {"x": inputs})[0]
    assert found.shape == (*shape[:-1], 20)
    assert close(found, inputs.astype(np.float64) @ weight.T)


@pytest.mark.parametrize("tokens", [1, 3, 70])
def test_numbers_that_are_not_finite_reach_the_outputs_that_read_them(tokens: int) -> None:
    weight = np.zeros((3, 40), np.float32)
    weight[0, 1], weight[1, 2], weight[2, 3] = 1, 1e-40, 1
    inputs = np.ones((tokens, 40), np.float32)
    inputs[0, 1:3] = np.nan, np.inf
    inputs[-1, 3] = 1e-40
    found = open_layer(layer(tensors(stored(weight)), (3, 40))).run(None, {"x": inputs})[0]
    assert np.isnan(found[0, 0])
    assert np.isinf(found[0, 1])
    assert found[-1, 2] in (np.float32(1e-40), 0)


def test_a_weight_may_have_more_inputs_than_sixteen_bits_count() -> None:
    weight = pruned((9, 70_001), (1, 1), 0.999, 3)
    inputs = np.random.default_rng(0).standard_normal((5, 70_001)).astype(np.float32)
    parts = tensors(stored(weight, form="csr"))
    assert parts["columns"].dtype == np.uint32
    found = open_layer(layer(parts, weight.shape)).run(None, {"x": inputs})[0]
    assert close(found, inputs.astype(np.float64) @ weight.T)


def test_threads_share_the_rows_of_one_panel() -> None:
    weight = pruned((3000, 500), (1, 1), 0.5, 3)
    inputs = np.random.default_rng(0).standard_normal((64, 500)).astype(np.float32)
    model = layer(tensors(stored(weight)), weight.shape)
    one, two = (open_layer(model, threads=n).run(None, {"x": inputs})[0] for n in (1, 2))
    assert np.array_equal(one, two)


def test_an_input_of_another_width_is_refused() -> None:
    session = open_layer(layer(tensors(stored(np.eye(8, dtype=np.float32))), (8, 8)))
    with pytest.raises(Exception, match="the last dimension of the input is not 8"):
        session.run(None, {"x": np.zeros((2, 7), np.float32)})


def test_kernels_that_do_not_exist_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSIFY_KERNEL", "avx1024")
    with pytest.raises(Exception, match="names no kernels that run here: avx1024"):
        open_layer(layer(tensors(stored(np.eye(8, dtype=np.float32))), (8, 8)))
