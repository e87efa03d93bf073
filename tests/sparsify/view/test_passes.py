from __future__ import annotations

from collections.abc import Callable

from expecttest import assert_expected_inline

from sparsify.report import PassReport
from sparsify.view.passes import deeds, passed_lines, passes_table, passes_view

MASKED = PassReport(
    tag="insert-masks",
    options={},
    did={"q.weight": "masked", "k.weight": "masked"},
    left={"head.weight": "its role is [head]", "a": "a vector", "b": "a vector", "c": "a vector"},
    facts={"parameters": 10616832},
    seconds=0.0123,
    nodes=(150, 154),
    parameters=(100, 100),
)
PRUNED = MASKED.model_copy(
    update={"tag": "prune", "left": {}, "facts": {"sparsity_fraction": 0.9}, "nodes": (154, 154)}
)
HEADS = PRUNED.model_copy(
    update={
        "did": {f"{i}.q.weight": f"{i % 5} of 12 heads zero" for i in range(9)}
        | {f"{i}.o.weight": "6 of 12 heads zero" for i in range(4)}
    }
)


def test_one_row_a_pass_with_its_time_as_a_bar(rendered: Callable[..., str]) -> None:
    long = PRUNED.model_copy(update={"seconds": 0.0246, "parameters": (22_713_601, 12_096_001)})
    assert_expected_inline(
        rendered(passes_table([MASKED, long]), encoding="ascii"),
        """\
+----------------------------------------------------------------------------+
|pass         | time   | seconds |      nodes |       parameters | did | left|
|-------------+--------+---------+------------+------------------+-----+-----|
|insert-masks | ###... | 12.3 ms | 150 to 154 |              100 |   2 |    4|
|prune        | ###### | 24.6 ms |        154 | 22.7 M to 12.1 M |   2 |    0|
+----------------------------------------------------------------------------+""",
    )


def test_deeds_and_reasons_are_counted_and_the_most_frequent_comes_first(
    rendered: Callable[..., str],
) -> None:
    nothing = PRUNED.model_copy(update={"tag": "clean", "did": {}, "facts": {}})
    assert_expected_inline(
        rendered(deeds([nothing, MASKED, HEADS]), encoding="ascii"),
        """\
+---------------------------------------------+
|pass         |        | what                 |
|-------------+--------+----------------------|
|clean        |        | nothing              |
|insert-masks |        | parameters 10,616,832|
|             |  did 2 | masked               |
|             |        | q.weight and 1 more  |
|             | left 3 | a vector             |
|             |        | a and 2 more         |
|             | left 1 | its role is [head]   |
|             |        | head.weight          |
|prune        |        | sparsity 90.0%       |
|             |  did 4 | 6 of 12 heads zero   |
|             |        | 0.o.weight and 3 more|
|             |  did 2 | 0 of 12 heads zero   |
|             |        | 0.q.weight and 1 more|
|             |  did 2 | 1 of 12 heads zero   |
|             |        | 1.q.weight and 1 more|
|             |  did 5 | other                |
+---------------------------------------------+""",
    )


def test_the_passes_and_what_they_did_stand_together(rendered: Callable[..., str]) -> None:
    both = [rendered(passes_table([PRUNED])), rendered(deeds([PRUNED]))]
    assert rendered(passes_view([PRUNED])) == "\n".join(both)


def test_an_ascii_terminal_gets_ascii(rendered: Callable[..., str]) -> None:
    assert rendered(passes_view([MASKED, PRUNED]), width=120, encoding="ascii").isascii()


def test_a_line_of_a_log_is_two_where_there_is_no_room() -> None:
    line, told = "insert-masks: 2 changes, 4 left alone; 12.3 ms", "parameters 10,616,832"
    assert passed_lines(MASKED) == passed_lines(MASKED, 80) == [f"{line}; {told}"]
    assert passed_lines(MASKED, 60) == [line, f"  {told}"]
    assert passed_lines(MASKED.model_copy(update={"facts": {}}), 10) == [line]
