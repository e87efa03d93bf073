from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparsify.view.axes import linear, logarithmic

NUMBERS = st.lists(st.floats(-1e12, 1e12).map(lambda value: round(value, 6)), min_size=1)


@pytest.mark.parametrize(
    ("values", "unit", "labels"),
    [
        ([0, 0.9], "%", ("0%", "50%", "100%")),
        ([0.712, 0.8455], "", ("0.70", "0.75", "0.80", "0.85")),
        ([0.0001, 0.0005], "", ("0.0001", "0.0002", "0.0003", "0.0004", "0.0005")),
        ([1e-6, 4e-6], "", ("1e-06", "2e-06", "3e-06", "4e-06")),
        ([3, 12_345], "", ("0", "5,000", "10,000", "15,000")),
        ([0.5], "", ("0.45", "0.50", "0.55")),
        ([0.0], "%", ("-100%", "-50%", "0%", "50%", "100%")),
        ([90_909_091], "", ("8e+07", "9e+07", "1.0e+08", "1.1e+08")),
        ([0.883, 0.886], "%", ("88.3%", "88.4%", "88.5%", "88.6%")),
    ],
)
def test_ticks_are_round_and_told_apart(
    values: list[float], unit: str, labels: tuple[str, ...]
) -> None:
    assert linear(values, unit).labels == labels


@given(NUMBERS, st.integers(2, 9), st.booleans())
def test_every_value_lies_on_its_axis(values: list[float], most: int, exact: bool) -> None:
    axis = linear(values, most=most, exact=exact)
    shares = axis.shares(values)
    assert (shares >= -1e-9).all()
    assert (shares <= 1 + 1e-9).all()
    assert len(axis.ticks) <= most + 1
    assert list(axis.ticks) == sorted(set(axis.ticks))
    assert len(set(axis.labels)) == len(axis.labels)


def test_shares_are_those_of_numpy() -> None:
    values = np.array([0.02, 0.3, 1.7])
    axis = linear(values)
    expected = (values - axis.low) / (axis.high - axis.low)
    np.testing.assert_allclose(axis.shares(values), expected)
    powers = logarithmic(values)
    assert powers.ticks == (0.01, 0.1, 1.0, 10.0)
    np.testing.assert_allclose(powers.shares(values), np.interp(np.log10(values), [-2, 1], [0, 1]))
