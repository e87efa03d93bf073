"""The formula for a layer's time: fitted once, kept, and monotone where it must be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sparsify.export import cost_model
from sparsify.export.cost_model import INTEGERS, CostModel

KEY: dict[str, str | int] = {"tokens": 16, "threads": 1}
MADE = CostModel(
    key=KEY,
    dense=[0.01, 0, 0, 1e-6, 0, 0, 0],
    eight_bits=[0.01, 0, 0, 5e-7, 0, 0, 0],
    sparse={
        1: [0.01, 0, 0, 0, 2e-6, 0, 0, 0, 0],
        4: [0.01, 0, 0, 0, 4e-6, 0, 0, 0, 0],
        INTEGERS: [0.01, 0, 0, 0, 1e-6, 0, 0, 0, 0],
    },
)
"""A sparse weight costs twice as much a number: it breaks even at 50%."""


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """What was fitted, with an empty cache and nothing timed."""
    found: list[Any] = []

    def fitted(key: dict[str, str | int]) -> CostModel:
        found.append(key)
        return MADE.model_copy(update={"key": key})

    monkeypatch.setenv("SPARSIFY_CACHE", str(tmp_path))
    monkeypatch.setattr(cost_model, "fitted", fitted)
    cost_model._read_or_fitted.cache_clear()
    return found


def test_a_machine_is_measured_once(fits: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    first = cost_model.cost_model(16, 1)
    cost_model._read_or_fitted.cache_clear()
    assert cost_model.cost_model(16, 1) == first
    assert len(fits) == 1


@pytest.mark.parametrize(
    ("name", "other"), [("processor", "another"), ("built_from", "0123"), ("kernels", "portable")]
)
def test_another_processor_or_library_is_measured_anew(
    fits: list[Any], monkeypatch: pytest.MonkeyPatch, name: str, other: str
) -> None:
    cost_model.cost_model(16, 1)
    cost_model.cost_model(16, 2)
    cost_model.cost_model(17, 1)
    monkeypatch.setattr(cost_model, name, lambda: other)
    cost_model.cost_model(16, 1)
    assert len(fits) == 4


def test_a_damaged_model_is_made_again(fits: list[Any], tmp_path: Path) -> None:
    made = cost_model.cost_model(16, 1)
    (kept,) = (tmp_path / "cost-models").iterdir()
    kept.write_text("{}")
    cost_model._read_or_fitted.cache_clear()
    assert cost_model.cost_model(16, 1) == made
    assert CostModel.model_validate_json(kept.read_text()) == made


def test_a_cache_that_cannot_be_written_to_costs_time_alone(
    fits: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SPARSIFY_CACHE", str(tmp_path / "file"))
    assert cost_model.cost_model(16, 1).dense == MADE.dense


def test_the_break_even_is_where_both_take_as_long() -> None:
    assert MADE.break_even((512, 512), 1) == pytest.approx(0.5, abs=1e-3)
    assert MADE.break_even((512, 512), 4) == pytest.approx(0.0, abs=1e-3)
    assert MADE.break_even((512, 512), 1, slower=1.25) == pytest.approx(0.6, abs=0.01)
    assert MADE.break_even((64, 64), 1, slower=2.0) is None
    assert MADE.in_eight_bits().break_even((512, 512), 1) == pytest.approx(0.75, abs=1e-3)


def test_a_layer_is_really_timed_and_more_numbers_take_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cost_model, "SHAPES", ((64, 64), (64, 256), (256, 64), (256, 256)))
    made = cost_model.fitted({"tokens": 16, "threads": 1})
    assert min(*made.dense, *made.eight_bits, *made.sparse[1], *made.sparse[4]) >= 0
    times = [made.predict((256, 256), unit, d).sparse_ms for unit in (1, 4) for d in (0.01, 0.7)]
    assert times[0] < times[1]
    assert times[2] < times[3]
