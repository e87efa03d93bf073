"""The fastest form of a weight: what is asked, what decides, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from sparsify.export import fastest as module
from sparsify.export.cost_model import INTEGERS
from sparsify.export.fastest import Asked, density, fastest
from sparsify.kinds import lowering
from sparsify.report import Speed
from sparsify.smallest import Choice
from sparsify.storage import Stored, decoded, written
from tests.sparsify.export.test_cost_model import MADE
from tests.sparsify.test_storage import pruned

TOKENS = 16


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The forms that were timed; each is found 1.25 times as fast as dense, and 1.5 in blocks."""
    found: list[list[str]] = []

    def time(_array: Any, forms: Sequence[Stored], asked: Asked) -> list[Speed]:
        found.append([form.form for form in forms])
        fast = [1.5 if form.block[0] % 4 == 0 else 1.25 for form in forms]
        return [Speed(tokens=asked.tokens, dense_ms=3.0, sparse_ms=3.0 / each) for each in fast]

    monkeypatch.setattr(module, "cost_model", lambda *_: MADE)
    monkeypatch.setattr(module, "missing_library", lambda: "")
    monkeypatch.setattr(module, "_timed", time)
    return found


def ask(array: np.ndarray, **options: Any) -> Choice:
    return fastest(array, tokens=TOKENS, threads=1, **options)


def test_what_is_clear_is_predicted(timed: list[list[str]]) -> None:
    array = pruned(256, 256, 0.9)
    choice = ask(array)
    assert choice.stored is not None
    assert np.array_equal(decoded(choice.stored), array)
    assert choice.form == "gaps u8"
    assert choice.reason.startswith("90% sparse: ")
    assert choice.reason.endswith("x as fast")
    assert choice.measured is None
    assert timed == []


def test_what_is_below_the_break_even_stays_dense_and_says_where_that_is(
    timed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CLOSE", 1.0)
    choice = ask(pruned(512, 512, 0.3))
    assert (choice.stored, choice.form) == (None, "dense")
    assert choice.reason == "30% sparse: below the break-even of 50% for this shape"
    assert choice.predicted is not None
    assert choice.predicted.ratio < 1


@pytest.mark.parametrize(("sparsity", "measured"), [(0.45, False), (0.9, True), (0.3, True)])
def test_what_is_close_is_timed_and_what_was_timed_decides(
    timed: list[list[str]], sparsity: float, measured: bool
) -> None:
    choice = ask(pruned(512, 512, sparsity), measured=measured)
    assert len(timed) == 1
    assert choice.measured is not None
    assert choice.stored is not None


def test_a_weight_that_beats_32_bits_need_not_beat_8(
    timed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CLOSE", 1.0)
    array = pruned(512, 512, 0.7)
    assert ask(array).stored is not None
    choice = ask(array, eight_bits=True)
    assert choice.reason == "70% sparse: below the break-even of 75% for this shape"


def test_integers_are_predicted_like_other_forms(timed: list[list[str]]) -> None:
    array = pruned(512, 512, 0.9, (1, 4))
    choice = ask(array, activations="int8")
    assert choice.form == "gaps u8, blocks 1x4, int8 x int8"
    assert choice.predicted is not None
    assert choice.predicted == MADE.predict((512, 512), INTEGERS, density(array, INTEGERS))
    assert (choice.measured, timed) == (None, [])


def test_blocks_that_are_larger_are_taken_where_they_are_faster(timed: list[list[str]]) -> None:
    array = np.zeros((128, 128), np.float32)
    array[::4, :64] = 1
    choice = ask(array, measured=True)
    assert timed == [["gaps u8, blocks 1x4", "gaps u8, blocks 32x32"]]
    assert choice.form == "gaps u8, blocks 32x32"


def test_a_timing_moves_the_break_even(
    timed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Speed(tokens=TOKENS, dense_ms=1.0, sparse_ms=1.25)
    monkeypatch.setattr(module, "_timed", lambda *_: [slow])
    choice = ask(pruned(512, 512, 0.5))
    assert choice.reason == "50% sparse: below the break-even of 60% for this shape"


@pytest.mark.parametrize(
    ("array", "options", "reason"),
    [
        (np.ones((128, 128), np.float32), {}, "it has no zeros"),
        (pruned(128, 128, 0.9)[None], {}, "it is no matrix of 32-bit floats"),
        (pruned(128, 128, 0.9) * 1e6, {"values": "f16"}, "it has numbers that 16 bits do not hold"),
        (pruned(12, 128, 0.9), {}, "too small for a sparse kernel to gain"),
        (pruned(128, 128, 0.1), {}, "10% sparse: every sparse form is larger"),
    ],
)
def test_what_cannot_gain_is_not_timed(
    timed: list[list[str]], array: np.ndarray, options: dict[str, Any], reason: str
) -> None:
    choice = ask(array, **options)
    assert (choice.form, choice.reason, choice.predicted) == ("dense", reason, None)
    assert timed == []


def test_without_the_kernels_bytes_decide(
    timed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "missing_library", lambda: "no compiler")
    choice = ask(pruned(128, 128, 0.3))
    assert choice.form == "gaps u8"
    assert choice.reason.endswith("% of its dense size")
    assert choice.predicted is None
    assert timed == []


def test_the_lowering_takes_the_tokens_of_the_layer_unless_it_is_told_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    def fake(_array: np.ndarray, *, tokens: int, **_options: Any) -> Choice:
        asked.append(tokens)
        return Choice(None, "dense", "")

    monkeypatch.setattr(module, "fastest", fake)
    array = pruned(128, 128, 0.9)
    lowering.choose("auto")(array=array, usual_tokens=7, may_time=True, eight_bits=False)
    lowering.choose("auto", tokens=64)(array=array, usual_tokens=7, may_time=True, eight_bits=False)
    assert asked == [7, 64]
    unread = lowering.choose("auto")(
        array=array, usual_tokens=None, may_time=True, eight_bits=False
    )
    assert (unread.form, unread.reason) == ("dense", "no linear layer reads it")


@pytest.mark.parametrize("eight_bits", [False, True])
def test_the_choice_is_really_timed(eight_bits: bool) -> None:
    asked = Asked(tokens=4, threads=1, measured=False, eight_bits=eight_bits)
    speeds = module._timed(pruned(64, 64, 0.9), [], asked)
    assert speeds == []
    form = written(pruned(64, 64, 0.9), (1, 1), "gaps u8", "f32")
    (speed,) = module._timed(pruned(64, 64, 0.9), [form], asked)
    assert min(speed.dense_ms, speed.sparse_ms) > 0
