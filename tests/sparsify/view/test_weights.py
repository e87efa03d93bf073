from __future__ import annotations

from collections.abc import Callable

from expecttest import assert_expected_inline

from sparsify.inspection.facts import Weight
from sparsify.view.weights import shape_words, sparsity_table, weights_table

QUERY = Weight("layer.0.query.weight", (384, 384), "body", 0.9, masked=True)
BIAS = Weight("layer.0.query.bias", (384,), "vector", 0.0)


def test_weights_and_their_sum(rendered: Callable[..., str]) -> None:
    assert_expected_inline(
        rendered(weights_table([QUERY, BIAS]), encoding="ascii"),
        """\
+--------------------------------------------------------------------+
|weight               |role   |  shape |parameters |zeros |          |
|---------------------+-------+--------+-----------+------+----------|
|layer.0.query.weight |body   |384x384 |   147,456 |90.0% |#########.|
|layer.0.query.bias   |vector |    384 |       384 | 0.0% |..........|
|---------------------+-------+--------+-----------+------+----------|
|all                  |       |        |   147,840 |89.8% |#########.|
+--------------------------------------------------------------------+""",
    )


def test_bars_and_roles_are_left_out_where_they_say_nothing(rendered: Callable[..., str]) -> None:
    shown = rendered(weights_table([Weight("val_1", (2, 3), "", 0.0)]))
    assert "role" not in shown
    assert "█" not in shown


def test_no_weight_is_no_row(rendered: Callable[..., str]) -> None:
    assert "all" not in rendered(weights_table([]))


def test_a_report_knows_names_and_sparsities(rendered: Callable[..., str]) -> None:
    assert_expected_inline(
        rendered(sparsity_table({"q.weight": 0.925, "k.weight": 0.5}), encoding="ascii"),
        """\
+----------------------------------+
|pruned weight | zeros |           |
|--------------+-------+-----------|
|q.weight      | 92.5% | #########.|
|k.weight      | 50.0% | #####.....|
+----------------------------------+""",
    )


def test_a_scalar_has_a_shape() -> None:
    assert [shape_words(shape) for shape in ((), (3,), (3, 4))] == ["1", "3", "3x4"]


def test_a_weight_can_be_told_as_json() -> None:
    assert QUERY.facts() == {
        "name": "layer.0.query.weight",
        "shape": [384, 384],
        "role": "body",
        "sparsity": 0.9,
        "masked": True,
        "macs": 0,
        "parameters": 147456,
    }
