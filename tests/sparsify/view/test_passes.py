from __future__ import annotations

from collections.abc import Callable

from expecttest import assert_expected_inline

from sparsify.report import PassReport
from sparsify.view.passes import deeds, left_reasons, passes_table, passes_view

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


def test_one_row_a_pass(rendered: Callable[..., str]) -> None:
    assert_expected_inline(
        rendered(passes_table([MASKED, PRUNED]), encoding="ascii"),
        """\
+-------------------------------------------------------------------+
|pass         | did | left | nodes |    time | facts                |
|-------------+-----+------+-------+---------+----------------------|
|insert-masks |   2 |    4 |    +4 | 12.3 ms | parameters 10,616,832|
|prune        |   2 |    0 |       | 12.3 ms | sparsity 90.0 %      |
+-------------------------------------------------------------------+""",
    )


def test_reasons_are_counted_and_the_most_frequent_comes_first(
    rendered: Callable[..., str],
) -> None:
    assert_expected_inline(
        rendered(left_reasons([MASKED, PRUNED]), encoding="ascii"),
        """\
+----------------------------------------------------------+
|pass         | left | why                | such as        |
|-------------+------+--------------------+----------------|
|insert-masks |    3 | a vector           | a, b and 1 more|
|insert-masks |    1 | its role is [head] | head.weight    |
+----------------------------------------------------------+""",
    )


def test_deeds_are_counted_and_many_of_one_pass_are_summed(rendered: Callable[..., str]) -> None:
    assert_expected_inline(
        rendered(deeds([MASKED, HEADS]), encoding="ascii"),
        """\
+---------------------------------------------------------------------------+
|pass         | did | what               | such as                          |
|-------------+-----+--------------------+----------------------------------|
|insert-masks |   2 | masked             | q.weight, k.weight               |
|prune        |   4 | 6 of 12 heads zero | 0.o.weight, 1.o.weight and 2 more|
|prune        |   2 | 0 of 12 heads zero | 0.q.weight, 5.q.weight           |
|prune        |   2 | 1 of 12 heads zero | 1.q.weight, 6.q.weight           |
|prune        |   5 | other              |                                  |
+---------------------------------------------------------------------------+""",
    )


def test_reasons_are_shown_only_where_there_are_any(rendered: Callable[..., str]) -> None:
    shown = rendered(passes_view([PRUNED]))
    assert shown == "\n".join([rendered(passes_table([PRUNED])), rendered(deeds([PRUNED]))])
    assert "a vector" in rendered(passes_view([MASKED]))
    assert rendered(left_reasons([PRUNED])) == "no candidate was left alone"
    assert rendered(deeds([PRUNED.model_copy(update={"did": {}})])) == "no pass changed anything"


def test_an_ascii_terminal_gets_ascii(rendered: Callable[..., str]) -> None:
    assert rendered(passes_view([MASKED, PRUNED]), width=120, encoding="ascii").isascii()
