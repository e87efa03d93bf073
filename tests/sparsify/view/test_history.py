from __future__ import annotations

from collections.abc import Callable

from expecttest import assert_expected_inline

from sparsify.report import Point
from sparsify.view.history import history_table


def test_one_row_a_figure_even_where_a_point_lacks_it(rendered: Callable[..., str]) -> None:
    history = [
        Point(step=0, values={"accuracy": 0.5}),
        Point(step=10, values={"accuracy": 0.8, "sparsity_fraction": 0.0}),
        Point(step=20, values={"accuracy": 0.7, "sparsity_fraction": 0.9}),
    ]
    assert_expected_inline(
        rendered(history_table(history), encoding="ascii"),
        """\
+------------------------------------------------------------+
|figure            | course | first | lowest | highest | last|
|------------------+--------+-------+--------+---------+-----|
|accuracy          | _#+    |   0.5 |    0.5 |     0.8 |  0.7|
|sparsity fraction | _#     |     0 |      0 |     0.9 |  0.9|
+------------------------------------------------------------+""",
    )
