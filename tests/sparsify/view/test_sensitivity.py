from __future__ import annotations

from collections.abc import Callable

from expecttest import assert_expected_inline

from sparsify.run.sensing import Curve, Group, Point, Sensitivity
from sparsify.view.sensitivity import sensitivity_view

SPARSITIES = [0.5, 0.9]


def curve(name: str, role: str, divergences: list[float], budget: float | None) -> Curve:
    points = [
        Point(sparsity=sparsity, divergence=each, loss=0.3 + each, accuracy=0.9)
        for sparsity, each in zip(SPARSITIES, divergences, strict=True)
    ]
    return Curve(name=name, role=role, weights=100, points=points, budget=budget)


QUERY, UP = "attention.query", "ffn.up"


def found(budgets: tuple[float | None, ...] = (None, None), **options: object) -> Sensitivity:
    return Sensitivity.model_validate(
        {
            "model": "tiny", "criterion": "magnitude", "pattern": "element", "rows": 128,
            "sparsities": SPARSITIES, "loss": 0.3, "accuracy": 0.91, "seconds": 12.5,
            "curves": [
                curve("encoder.layer.0.query.weight", QUERY, [4e-5, 0.0038], budgets[0]),
                curve("encoder.layer.0.up.weight", UP, [0.02, 1.25], budgets[1]),
            ],
            "groups": [
                Group(role=QUERY, divergences=[4e-5, 0.0038], budget=budgets[0]),
                Group(role=UP, divergences=[0.02, 1.25], budget=budgets[1]),
            ],
            **options,
        }
    )  # fmt: skip


def test_a_table_and_a_chart_at_80(rendered: Callable[..., str]) -> None:
    assert_expected_inline(
        rendered(sensitivity_view(found()), 80),
        """\
weight                  50%    90%    loss
───────────────────────────────────────────
encoder.layer.0.query  0.04    3.8  0.3038
encoder.layer.0.up       20  1,250  1.5500
loss: at 90%

tiny: 2 curves by magnitude, pattern element, on 128 rows, in 12.5 s; dense:
loss 0.3000, accuracy 0.9100

how far outputs move when one weight alone is sparse, mean by role, in
thousandths
1,500 ┤
      │                                               ⢀ ⢠⠤⠤⠆ ffn.up 1,250
1,000 ┤                                        ⢀⣠⠤⠄ ⠚⠉⠉
      │                               ⢀⣀⡤⠄ ⠒⠚⠉
      │                       ⣀⣀⡄ ⠖⠒⠋
  500 ┤              ⢀⣀⡀ ⠤⠖⠒ ⠈⠁
      │      ⢀⡀ ⠤⠴⠒ ⠈⠉
    0 ┤⣤⣤⣖⣀⣘⣉⣉⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀ attention.query 3.8
      └─────────────────────────────────────────────────────
      50           60           70           80           90% zero""",
    )


def test_budgets_and_their_recipe_at_120(rendered: Callable[..., str]) -> None:
    told = found((0.9, 0.7), sparsity=0.8, recipe="mine.yaml")
    assert_expected_inline(
        rendered(sensitivity_view(told), 120),
        """\
weight                  50%    90%    loss  budget
───────────────────────────────────────────────────
encoder.layer.0.query  0.04    3.8  0.3038   90.0%
encoder.layer.0.up       20  1,250  1.5500   70.0%
loss: at 90%

tiny: 2 curves by magnitude, pattern element, on 128 rows, in 12.5 s; dense: loss 0.3000, accuracy 0.9100

how far outputs move when one weight alone is sparse, mean by role, in thousandths
1,500 ┤
      │                                                                                     ⢀⣀⣠⠄ ⠤⠴⠒ ffn.up 1,250
1,000 ┤                                                                     ⢀⡀ ⣀⡤⠤ ⠰⠒⠒⠂ ⠉⠉⠉
      │                                                       ⣀⣀ ⢠⠤⠤⠄ ⠒⠒⠒ ⠈⠉⠉
      │                                        ⢀⣀⣀⡀ ⠤⠤⠴ ⠐⠒⠚⠁ ⠉⠁
  500 ┤                           ⣀⣀⣠ ⠠⠤⠖⠂ ⠚⠉⠉ ⠈
      │           ⣀ ⢀⣀⡤⠄ ⠴⠒⠒ ⠈⠉⠉⠁
    0 ┤⣠⣤⣤⣀⣐⣒⣒⣂⣀⣉⣉⣁⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀ attention.query 3.8
      └─────────────────────────────────────────────────────────────────────────────────────────────
      50                     60                     70                     80                     90% zero

80.0% of all weights: attention.query 90.0%, ffn.up 70.0%
mine.yaml has these budgets: sparsify run mine.yaml""",  # noqa: E501 - as wide as the terminal
    )


def test_where_there_is_only_ascii(rendered: Callable[..., str]) -> None:
    text = rendered(sensitivity_view(found((0.9, 0.7), sparsity=0.8)), 60, "ascii")
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 60
