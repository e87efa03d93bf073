"""Weights that no exporter writes are refused when the session is made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sparsify.runtime.kernel.build import build_fuzzer, compiler
from sparsify.runtime.library import missing_library
from sparsify.storage import written
from tests.sparsify.runtime.layers import Arrays, layer, open_layer, stored, tensors

pytestmark = pytest.mark.skipif(bool(missing_library()), reason=missing_library())

WEIGHT = np.diag(np.arange(1, 7, dtype=np.float32))[:, [0, 1, 2, 3, 4, 5, 0, 1]]
"""6 x 8, with 8 numbers that are not zero."""
FLOATS = np.ones(8, np.float32)


def csr(**parts: np.ndarray) -> Arrays:
    return tensors(stored(WEIGHT, form="csr")) | parts


def gaps(**parts: np.ndarray) -> Arrays:
    return tensors(stored(WEIGHT)) | parts


def twos(**parts: np.ndarray) -> Arrays:
    return tensors(written(WEIGHT, (1, 1), "2 of 4", "f32")) | parts


def offsets(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int32)


def test_the_weight_itself_is_accepted() -> None:
    for parts in (csr(), gaps(), twos()):
        inputs = np.eye(8, dtype=np.float32)
        found = open_layer(layer(parts, (6, 8))).run(None, {"x": inputs})[0]
        assert np.array_equal(found, WEIGHT.T)


@pytest.mark.parametrize(
    ("parts", "shape", "block", "message"),
    [
        (csr(row_offsets=offsets(0, 4, 2, 5, 6, 7, 8)), (6, 8), (1, 1), "are not monotone"),
        (csr(row_offsets=offsets(0, 2, 4, 5, 6, 7, 9)), (6, 8), (1, 1), "end at the last value"),
        (csr(row_offsets=offsets(1, 2, 4, 5, 6, 7, 8)), (6, 8), (1, 1), "do not begin at 0"),
        (csr(row_offsets=offsets(0, 2, 4, 5, 6, 8)), (6, 8), (1, 1), "number of row offsets"),
        (csr(row_offsets=offsets(0, -9, 4, 5, 6, 7, 8)), (6, 8), (1, 1), "are not monotone"),
        (csr(row_offsets=offsets(0, 99, 4, 5, 6, 7, 8)), (6, 8), (1, 1), "are not monotone"),
        (csr(columns=np.full(8, 8, np.uint16)), (6, 8), (1, 1), "a column lies outside"),
        (csr(columns=np.full(8, 3, np.uint16)), (6, 8), (1, 1), "columns do not ascend"),
        (csr(columns=np.full(8, 3.0, np.float32)), (6, 8), (1, 1), "no unsigned integers"),
        (csr(columns=np.full(8, "a")), (6, 8), (1, 1), "no unsigned integers"),
        (csr(row_offsets=np.ones(7, np.float32)), (6, 8), (1, 1), "no signed integers"),
        (gaps(gaps=np.full(8, 200, np.uint8)), (6, 8), (1, 1), "a position lies outside"),
        (gaps(gaps=np.full(8, 2**32 - 1, np.uint32)), (6, 8), (1, 1), "a position lies outside"),
        (gaps(gaps=np.zeros(8, np.uint8)), (6, 8), (1, 1), "a position repeats"),
        (gaps(gaps=np.ones(9, np.uint8)), (6, 8), (1, 1), "differ in number"),
        (gaps(values=FLOATS[:5]), (6, 8), (1, 1), "differ in number"),
        (gaps(values=FLOATS.astype(np.float64)), (6, 8), (1, 1), "neither float, float16 nor int8"),
        (gaps(bias=FLOATS), (6, 8), (1, 1), "the bias is not one float a row"),
        (gaps(scales=FLOATS), (6, 8), (1, 1), "the scales are not one float a row"),
        (twos(positions=np.zeros(6, np.uint8)), (6, 8), (1, 1), "a position repeats"),
        (twos(positions=np.zeros(5, np.uint8)), (6, 8), (1, 1), "differ in number"),
        (twos(positions=np.zeros(6, np.uint16)), (6, 8), (1, 1), "positions are no bytes"),
        (twos(), (6, 12), (1, 1), "differ in number"),
        (twos(), (8, 6), (1, 1), "does not divide into fours"),
        (twos(), (6, 8), (2, 1), "does not divide into fours"),
        (gaps(), (6, 8), (4, 1), "no multiple of the block"),
        (gaps(), (6, 8), (2, 2), "differ in number"),
        (gaps(), (6, 8), (0, 1), "the block has no size"),
        (gaps(), (6, 8), (-1, 1), "the block has no size"),
        (gaps(), (0, 8), (1, 1), "the number of rows is out of range"),
        (gaps(), (6, -8), (1, 1), "the number of columns is out of range"),
        (gaps(), (2**62, 2**62), (1, 1), "the number of rows is out of range"),
        (gaps(), (2**24, 2**24), (1, 1), "the weight is too large"),
        (gaps(), (6, 8, 1), (1, 1), "`shape` is not two numbers"),
        (gaps(), (6, 8), (1,), "`block` is not two numbers"),
    ],
)
def test_a_mistake_is_named(
    parts: Arrays, shape: tuple[int, ...], block: tuple[int, ...], message: str
) -> None:
    with pytest.raises(Exception, match=message):
        open_layer(layer(parts, shape, block))


def test_integers_are_multiplied_with_integers_alone() -> None:
    with pytest.raises(Exception, match="values of integer products are not int8"):
        open_layer(layer(gaps(), (6, 8), integers=True))


def test_integers_whose_sums_do_not_fit_are_refused() -> None:
    weight = stored(np.ones((1, 40_000), np.float32), (1, 4), integers=True)
    with pytest.raises(Exception, match="the sums of integer products exceed 32 bits"):
        open_layer(layer(tensors(weight), (1, 40_000), (1, 4), integers=True))


@pytest.mark.parametrize("name", ["values", "gaps", "bias", "scales"])
def test_a_weight_that_is_fed_is_refused(name: str) -> None:
    with pytest.raises(Exception, match="the weight is not constant"):
        open_layer(layer(gaps(), (6, 8), fed=name))


@pytest.mark.skipif(compiler() is None, reason="there is no C++ compiler")
def test_damaged_weights_never_reach_beyond_their_memory(tmp_path: Path) -> None:
    import subprocess

    flags = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    fuzzer = build_fuzzer(tmp_path / "fuzz", flags)
    done = subprocess.run([fuzzer, "5000", "7"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
