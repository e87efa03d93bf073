from __future__ import annotations

from collections.abc import Callable

from expecttest import assert_expected_inline

from sparsify.report import Cost, PassReport, PlanReport
from sparsify.view.plan import plan_view


def cost(zeros: int, macs: int) -> Cost:
    return Cost(
        batch=1,
        sequence=128,
        parameters=22_713_216,
        zeros=zeros,
        dense_macs=1_434_599_424,
        macs=macs,
        size_bytes=90_852_864,
    )


PLAN = PlanReport(
    recipe="cap-movement-90",
    model="encoder",
    before=cost(0, 1_434_599_424),
    after=cost(9_555_149, 211_648_512),
    passes=[
        PassReport(
            tag="insert-masks",
            options={},
            did={"q.weight": "masked"},
            left={"pooler.weight": "no target (head)"},
            facts={"masked_weights": 1},
            seconds=0.02,
            nodes=(10, 12),
            parameters=(5, 5),
        )
    ],
    training=["prune: zeros from 0 % to 90 % in steps 40 to 300"],
)


def test_a_plan_tells_what_passes_do_and_what_it_is_worth(rendered: Callable[..., str]) -> None:
    assert_expected_inline(
        rendered(plan_view(PLAN), encoding="ascii"),
        """\
cap-movement-90 on encoder, a plan
+--------------------------------------------------------------------+
|pass         | time   | seconds |    nodes | parameters | did | left|
|-------------+--------+---------+----------+------------+-----+-----|
|insert-masks | ###### | 20.0 ms | 10 to 12 |          5 |   1 |    1|
+--------------------------------------------------------------------+
+----------------------------------------+
|pass         |        | what            |
|-------------+--------+-----------------|
|insert-masks |        | masked weights 1|
|             |  did 1 | masked          |
|             |        | q.weight        |
|             | left 1 | no target (head)|
|             |        | pooler.weight   |
+----------------------------------------+
training: prune: zeros from 0 % to 90 % in steps 40 to 300
one forward pass, batch 1, sequence 128
+------------------------------------------------------------------------+
|cost                         |        before |         after | of before|
|-----------------------------+---------------+---------------+----------|
|parameters                   |    22,713,216 |    22,713,216 |   100.0 %|
|zeros in weights             |             0 |     9,555,149 |          |
|multiply-adds, all           | 1,434,599,424 | 1,434,599,424 |   100.0 %|
|multiply-adds, zeros skipped | 1,434,599,424 |   211,648,512 |    14.8 %|
|size, stored dense           |       90.9 MB |       90.9 MB |   100.0 %|
+------------------------------------------------------------------------+""",
    )


def test_a_plan_fits_a_wide_terminal(rendered: Callable[..., str]) -> None:
    assert "14.8 %" in rendered(plan_view(PLAN), width=120)
