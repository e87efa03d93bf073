from __future__ import annotations

from collections.abc import Callable

from expecttest import assert_expected_inline

from sparsify.report import Cost, Forecast, PassReport, PlanReport, Speed, StoredWeight
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


def layer(number: int) -> str:
    return f"bert.encoder.layer.{number}.attention.self.query.weight"


PLAN = PlanReport(
    recipe="cap-movement-90",
    model="encoder",
    before=cost(0, 1_434_599_424),
    after=cost(9_555_149, 211_648_512),
    dense_file=Forecast(size_bytes=90_922_426, linear_ms=27.43),
    sparse_file=Forecast(
        size_bytes=50_123_000,
        linear_ms=9.971,
        stored=[
            StoredWeight(
                name=layer(0), shape=(384, 384), sparsity=0.9, form="gaps u8",
                reason="90% sparse: 3.1x as fast", dense_bytes=589_824, stored_bytes=73_728,
                predicted=Speed(tokens=128, dense_ms=3.1, sparse_ms=1.0),
            )
        ],
    ),
    passes=[
        PassReport(
            tag="insert-masks",
            options={},
            did={layer(0): "masked, 147,456 weights", layer(1): "masked, 147,456 weights"},
            left={"pooler.weight": "no target (pooler)", "head.weight": "no target (head)"},
            facts={"masked_weights": 2},
            seconds=0.02,
            nodes=(10, 12),
            parameters=(5, 5),
        ),
        PassReport(
            tag="prune",
            options={},
            did={layer(0): "5 of 12 heads zero", layer(1): "9 of 12 heads zero"},
            left={},
            facts={"sparsity_fraction": 0.9},
            seconds=1.5,
            nodes=(12, 12),
            parameters=(5, 5),
        ),
    ],
    training=["prune: zeros from 0% to 90% in steps 40 to 300"],
    threads=2,
)  # fmt: skip


def test_a_plan_tells_what_passes_do_and_what_it_is_worth(rendered: Callable[..., str]) -> None:
    assert_expected_inline(
        rendered(plan_view(PLAN), encoding="ascii"),
        """\
cap-movement-90 on encoder, a plan

insert-masks  2 changes, 2 left alone (20.0 ms), masked weights 2
       2  masked, 147,456 weights  ...layer.*.attention.self.query.weight
  left 1  no target (pooler)       pooler.weight
  left 1  no target (head)         head.weight

prune  2 changes, 0 left alone (1.5 s), sparsity 90.0%
   2  5 to 9 of 12 heads zero  bert.encoder.layer.*.attention.self.query.weight

training: prune: zeros from 0% to 90% in steps 40 to 300
+------------------------------------------------------------------------------+
|                  |       |           |                   | layer at 128      |
|weights           | zeros | stored as |             bytes | tokens            |
|------------------+-------+-----------+-------------------+-------------------|
|...query.weight   |   90% | gaps u8   | 12.5% of 589.8 kB | 3.1x, predicted   |
+------------------------------------------------------------------------------+
predicted, batch 1, sequence 128
+---------------------------------------------------------------------+
|                                    |     before |      after | ratio|
|------------------------------------+------------+------------+------|
|parameters                          | 22,713,216 | 22,713,216 | 1.00x|
|zeros among them                    |       0.0% |      42.1% |      |
|multiply-adds                       |     1.43 G |     1.43 G | 1.00x|
|  without zeros                     |     1.43 G |      212 M | 6.78x|
|file                                |    90.9 MB |    50.1 MB | 1.81x|
|latency of linear layers, 2 threads |    27.4 ms |    9.97 ms | 2.75x|
+---------------------------------------------------------------------+
latency: linear layers alone, by what was timed once on this machine; attention,
normalisation and embeddings come on top. `sparsify run` times the whole files.""",
    )


def test_a_plan_fits_a_wide_terminal(rendered: Callable[..., str]) -> None:
    assert_expected_inline(
        rendered(plan_view(PLAN), width=120, encoding="ascii"),
        """\
cap-movement-90 on encoder, a plan

insert-masks  2 changes, 2 left alone (20.0 ms), masked weights 2
       2  masked, 147,456 weights  bert.encoder.layer.*.attention.self.query.weight
  left 1  no target (pooler)       pooler.weight
  left 1  no target (head)         head.weight

prune  2 changes, 0 left alone (1.5 s), sparsity 90.0%
   2  5 to 9 of 12 heads zero  bert.encoder.layer.*.attention.self.query.weight

training: prune: zeros from 0% to 90% in steps 40 to 300
+--------------------------------------------------------------------------------------------------------------+
|weights                                          | zeros | stored as |             bytes | layer at 128 tokens|
|-------------------------------------------------+-------+-----------+-------------------+--------------------|
|bert.encoder.layer.0.attention.self.query.weight |   90% | gaps u8   | 12.5% of 589.8 kB | 3.1x, predicted    |
+--------------------------------------------------------------------------------------------------------------+
predicted, batch 1, sequence 128
+---------------------------------------------------------------------+
|                                    |     before |      after | ratio|
|------------------------------------+------------+------------+------|
|parameters                          | 22,713,216 | 22,713,216 | 1.00x|
|zeros among them                    |       0.0% |      42.1% |      |
|multiply-adds                       |     1.43 G |     1.43 G | 1.00x|
|  without zeros                     |     1.43 G |      212 M | 6.78x|
|file                                |    90.9 MB |    50.1 MB | 1.81x|
|latency of linear layers, 2 threads |    27.4 ms |    9.97 ms | 2.75x|
+---------------------------------------------------------------------+
latency: linear layers alone, by what was timed once on this machine; attention, normalisation and embeddings come on
top. `sparsify run` times the whole files.""",  # noqa: E501  120 columns
    )


def test_a_plan_without_a_prediction_says_why(rendered: Callable[..., str]) -> None:
    plain = Forecast(size_bytes=1000)
    plan = PLAN.model_copy(
        update={"dense_file": plain, "sparse_file": plain, "no_latency": "no kernels [here]"}
    )
    text = rendered(plan_view(plan))
    assert "no latency: no kernels [here]." in text
    assert "linear layers" not in text
