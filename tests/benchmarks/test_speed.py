"""The README's table of speed from the cases of two benchmarks."""

from __future__ import annotations

from benchmarks import speed
from benchmarks.case import Case


def case(bench: str, name: str, ratio: float, says: str) -> Case:
    return Case(bench, name, 1.0, "ms", ratio, ratio, None, None, says, 3, 1)


def test_one_row_holds_both_batches_and_other_cases_are_left_out() -> None:
    encoder = "BERT 12 x 768, batch 1, file 12.6% of the dense"
    found = speed.rows(
        [
            case("runtime", "768-unstructured-90%-batch1-threads1", 5.33, encoder),
            case("runtime", "768-unstructured-90%-batch8-threads1", 5.23, encoder),
            case("runtime", "768-blocks-4x1-50%-batch1-threads1", 1.98, encoder),
            case("runtime", "768-unstructured-90%-batch1-threads2", 9.99, encoder),
            case("runtime", "384-unstructured-97%-batch1-threads1", 9.99, encoder),
        ],
        [
            case("int8", "removed_75%_dynamic_batch_1", 11.05, "file 10.6% of the dense in 32"),
            case("int8", "removed_75%_static_batch_1", 9.99, "file 10.6% of the dense in 32"),
        ],
    )
    assert found == [
        ("unstructured, 90%", "12.6%", "5.3x", "5.2x"),
        ("blocks 4x1, 50%", "12.6%", "2.0x", ""),
        (
            "75% of heads and neurons removed, 8-bit integers, standard operators",
            "10.6%",
            "11.1x",
            "",
        ),
    ]
