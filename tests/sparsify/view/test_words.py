from __future__ import annotations

import pytest

from sparsify.view import words


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (90_433_541, "90.4 MB"), (4.1e9, "4.1 GB")],
)
def test_sizes_are_decimal(count: int, text: str) -> None:
    assert words.size(count) == text


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (0.0042, "4.2 ms"),
        (1.25, "1.2 s"),
        (59.9, "59.9 s"),
        (75, "1 min 15 s"),
        (3600, "60 min 00 s"),
    ],
)
def test_durations_have_the_unit_that_fits(duration: float, text: str) -> None:
    assert words.seconds(duration) == text


@pytest.mark.parametrize(
    ("duration_ms", "text"), [(9.97, "9.97 ms"), (999.4, "999 ms"), (2930.2, "2,930 ms")]
)
def test_milliseconds_are_never_in_scientific_notation(duration_ms: float, text: str) -> None:
    assert words.milliseconds(duration_ms) == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("sparsity_fraction", 0.9, "sparsity 90.0%"),
        ("size_bytes", 2e6, "size 2.0 MB"),
        ("step_ms", 12.0, "step 12.0 ms"),
        ("peak_memory_mb", 512.0, "peak memory 512.0 MB"),
        ("masked_weights", 36.0, "masked weights 36"),
        ("loss", 0.31234, "loss 0.3123"),
    ],
)
def test_the_unit_in_a_name_becomes_the_unit_of_the_figure(
    name: str, value: float, text: str
) -> None:
    assert words.fact(name, value) == text


def test_a_count_agrees_with_its_noun() -> None:
    assert [words.plural(n, noun) for n, noun in ((1, "pass"), (2, "pass"), (1234, "weight"))] == [
        "1 pass",
        "2 passes",
        "1,234 weights",
    ]
