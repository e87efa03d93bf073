"""How a sparse weight is written: nothing is lost, and the smallest form wins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passes.lowerings import dense
from sparsify.kinds import lowering
from sparsify.smallest import choose
from sparsify.storage import Kind, Storage, Values, decoded, sizes, written


def pruned(
    rows: int, columns: int, sparsity: float, block: tuple[int, int] = (1, 1), seed: int = 0
) -> np.ndarray:
    random = np.random.default_rng(seed)
    grid = random.random((rows // block[0], columns // block[1])) >= sparsity
    kept = np.repeat(np.repeat(grid, block[0], axis=0), block[1], axis=1)
    return (random.standard_normal((rows, columns)) * kept).astype(np.float32)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 9),
    st.integers(1, 90),
    st.sampled_from([0.5, 0.9, 0.99, 0.999, 1.0]),
    st.sampled_from(["csr", "gaps", "auto"]),
    st.integers(0, 99),
)
def test_every_form_holds_every_number(
    rows: int, columns: int, sparsity: float, storage: Storage, seed: int
) -> None:
    array = pruned(rows * 4, columns * 4, sparsity, seed=seed)
    choice = choose(array, storage=storage, least=0)
    if choice.stored is not None:
        assert np.array_equal(decoded(choice.stored), array)


def test_distances_that_a_type_does_not_hold_are_bridged_with_zeros() -> None:
    array = np.zeros((2, 100_000), np.float32)
    array[0, 300], array[1, 99_999] = 1, 2
    kinds: tuple[Kind, Kind] = ("gaps u8", "gaps u16")
    for kind in kinds:
        stored = written(array, (1, 1), kind, "f32")
        assert np.count_nonzero(stored.values) == 2
        assert (stored.positions[1:] > 0).all()
        assert np.cumsum(stored.positions.astype(np.int64))[-1] == array.size - 1


@pytest.mark.parametrize("block", [(1, 1), (4, 1), (8, 8)])
@pytest.mark.parametrize("sparsity", [0.5, 0.998, 1.0])
def test_bytes_are_counted_without_writing(block: tuple[int, int], sparsity: float) -> None:
    array = pruned(64, 640, sparsity)
    found = list(sizes(array, block, "f16", "auto"))
    assert [kind for _, kind in found][:3] == ["gaps u8", "gaps u16", "csr"]
    for size, kind in found:
        stored = written(array, block, kind, "f16")
        assert size == stored.size_bytes - stored.scales.nbytes


@pytest.mark.parametrize(
    ("block", "form"),
    [((1, 1), "gaps u8"), ((4, 1), "gaps u8, blocks 4x1"), ((1, 4), "gaps u8, blocks 1x4"),
     ((32, 32), "gaps u8, blocks 32x32")],
)  # fmt: skip
def test_the_blocks_of_a_weight_are_found(block: tuple[int, int], form: str) -> None:
    assert choose(pruned(128, 96, 0.9, block)).form == form


def test_far_apart_numbers_take_wider_gaps() -> None:
    assert choose(pruned(700, 700, 0.998)).form == "gaps u16"


@pytest.mark.parametrize(
    ("values", "share", "tolerance"),
    [("f32", 0.05, 0.0), ("f16", 0.032, 5e-4), ("int8", 0.02, 4e-3)],
)
def test_a_pruned_weight_is_small(values: str, share: float, tolerance: float) -> None:
    array = pruned(768, 768, 0.97)
    stored = choose(array, values=values).stored  # type: ignore[arg-type]
    assert stored is not None
    assert stored.size_bytes <= share * array.nbytes
    largest = np.abs(array).max(axis=1, keepdims=True)
    assert (np.abs(decoded(stored) - array) <= tolerance * largest).all()


@pytest.mark.parametrize(
    ("array", "options", "reason"),
    [
        (pruned(64, 64, 0.3), {}, "30% sparse: below 50%"),
        (pruned(64, 64, 0.6), {"least": 0.7}, "61% sparse: below 70%"),
        (pruned(64, 64, 0.1), {"least": 0.0}, "every sparse form is larger"),
        (pruned(64, 64, 0.9).astype(np.float16), {}, "it is no matrix of 32-bit floats"),
        (pruned(64, 64, 0.9)[None], {}, "it is no matrix of 32-bit floats"),
        (pruned(64, 64, 0.9) * 1e6, {"values": "f16"}, "it has numbers that 16 bits do not hold"),
    ],
)
def test_a_weight_that_would_not_gain_stays_dense(
    array: np.ndarray, options: dict[str, object], reason: str
) -> None:
    choice = lowering.choose("sparse", **options)(array=array)
    assert (choice.stored, choice.form, choice.reason) == (None, "dense", reason)


def test_a_weight_of_zeros_alone_has_a_form() -> None:
    stored = choose(np.zeros((40, 40), np.float32)).stored
    assert stored is not None
    assert not decoded(stored).any()


def test_the_dense_lowering_changes_nothing() -> None:
    array = np.arange(6.0).reshape(2, 3)
    assert dense(array) is array


def test_integers_are_multiplied_where_fours_of_inputs_are_stored_together() -> None:
    form = "gaps u8, blocks 1x4, int8 x int8"
    assert choose(pruned(64, 64, 0.9, (1, 4)), activations="int8").form == form
    two_of_four = np.where(np.arange(64) % 4 < 2, pruned(64, 64, 0.0), 0)
    assert choose(two_of_four, activations="int8").form.endswith("x int8")
    alone = pruned(64, 64, 0.9)
    assert choose(alone, activations="int8").form == choose(alone).form
    assert choose(alone, activations="int8", values="int8").form == "gaps u8, int8"
    too_long = np.repeat([[1.0, 0, 0, 0]], 30_000, axis=1).reshape(1, -1).astype(np.float32)
    too_long[:, :90_000] = 1
    assert not choose(too_long, activations="int8", least=0).form.endswith("x int8")


@pytest.mark.parametrize(("values", "share"), [("f32", 53.1), ("f16", 28.1), ("int8", 16.0)])
def test_two_of_four_is_stored_in_two_bits_a_number(values: Values, share: float) -> None:
    random = np.random.default_rng(0)
    kept = random.random((256, 64, 4)).argsort(axis=2) < 2
    array = (kept * np.rint(random.standard_normal((256, 64, 4)) * 20)).reshape(256, 256)
    array[:, 0] = 127
    array[:, 1:4] = 0
    choice = choose(array.astype(np.float32), values=values)
    assert choice.form == "2 of 4" + {"f32": "", "f16": ", f16", "int8": ", int8"}[values]
    assert choice.reason == f"{share}% of its dense size"
    assert choice.stored is not None
    assert np.array_equal(decoded(choice.stored), array)
