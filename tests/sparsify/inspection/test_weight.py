from __future__ import annotations

import numpy as np
import pytest

from sparsify.inspection.facts import Weight
from sparsify.inspection.weight import BINS, weight_detail
from sparsify.smallest import smallest
from sparsify.storage import written


def test_figures_are_those_of_numpy() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(64, 32)).astype(np.float32)
    values[random.random(values.shape) < 0.9] = 0
    found = weight_detail(Weight("w", (64, 32), "ffn.up", 0.9), values)
    numbers = values[values != 0].astype(np.float64)
    counts, edges = np.histogram(numbers, bins=BINS)
    assert (found.counts == counts).all()
    assert found.edges == pytest.approx(edges)
    assert (found.mean, found.standard_deviation) == pytest.approx((numbers.mean(), numbers.std()))
    assert found.row_zeros == pytest.approx((values == 0).mean(axis=1))
    assert found.column_zeros == pytest.approx((values == 0).mean(axis=0))
    sizes = {form.name: form.size_bytes for form in found.forms}
    assert sizes["dense f32"] == values.nbytes
    assert sizes["gaps u8, f32"] == written(values, (1, 1), "gaps u8", "f32").size_bytes


def test_a_vector_is_one_row_and_a_weight_of_zeros_has_no_distribution() -> None:
    bias = weight_detail(Weight("b", (5,), "vector", 0.0), np.ones(5, np.float32))
    assert bias.kept.shape == (1, 5)
    empty = weight_detail(Weight("w", (4, 4), "ffn.up", 1.0), np.zeros((4, 4), np.float32))
    assert (empty.pattern, empty.counts.sum(), empty.mean) == ("all zero", 0, 0.0)


def test_a_kernel_of_a_convolution_is_a_matrix() -> None:
    found = weight_detail(Weight("c", (8, 3, 2, 2), "convolution", 0.0), np.ones((8, 3, 2, 2)))
    assert found.kept.shape == (8, 12)


def test_the_forms_are_those_that_the_export_chooses_among() -> None:
    values = np.kron(np.eye(4, dtype=np.float32), np.ones((8, 8), np.float32))
    found = weight_detail(Weight("w", values.shape, "ffn.up", 0.75), values)
    best = smallest(values, "f32")
    assert best is not None
    assert (found.forms[1].name, found.forms[1].size_bytes) == (
        f"{best.form}, f32",
        best.size_bytes,
    )
