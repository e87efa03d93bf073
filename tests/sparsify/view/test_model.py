from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from expecttest import assert_expected_inline

from sparsify.inspection.facts import ModelFacts, Removable, Weight
from sparsify.view.model import model_view, zeros

AXES = (("query.weight", 0), ("query.bias", 0), ("output.weight", 1))


def layer(number: int, heads: int, sparsity: float) -> list[Weight]:
    name, width = f"bert.encoder.layer.{number}.attention", 64 * heads
    return [
        Weight(f"{name}.query.weight", (width, 768), "attention.query", sparsity, True, width * 99),
        Weight(f"{name}.query.bias", (width,), "vector", 1.0),
        Weight(f"{name}.output.weight", (768, width), "attention.output", sparsity, True, 7_000),
    ]


def heads_of(number: int, heads: int) -> Removable:
    name = f"bert.encoder.layer.{number}.attention"
    parts = tuple((f"{name}.{part}", axis) for part, axis in AXES)
    return Removable("head", f"{name}.query.weight", heads, 64, parts, "")


def model(*layers: tuple[int, float]) -> ModelFacts:
    """A model whose layers have these numbers of heads and shares of zeros."""
    table = Weight("bert.embeddings.word_embeddings.weight", (30522, 768), "embedding", 0.0)
    head = Weight("classifier.weight", (2, 768), "head", 0.0, False, 1536)
    own = [weight for number, each in enumerate(layers) for weight in layer(number, *each)]
    width = Removable("width", table.name, 768, 1, ((table.name, 1),), "is normalised with others")
    return ModelFacts(
        model="out/bert",
        architecture="BertForSequenceClassification",
        weights=(table, *own, head),
        removable=(width, *(heads_of(number, each[0]) for number, each in enumerate(layers))),
        sequence=128,
        attention_macs=1_000,
        size_bytes=437_935_112,
    )


def test_a_dense_model_at_80(rendered: Callable[..., str]) -> None:
    assert_expected_inline(
        rendered(model_view(model((12, 0.0), (12, 0.0)))),
        """\
out/bert  BertForSequenceClassification
part                              shape role             params   MACs zeros
────────────────────────────────────────────────────────────────────────────
bert                                                     25.8 M  166 k    0%
  embeddings.word_embeddings  30522x768 embedding        23.4 M
  2 x encoder.layer.attention                            2.36 M  166 k    0%
    query                       768x768 attention.query  1.18 M  152 k    0%
    output                      768x768 attention.output 1.18 M 14.0 k    0%
classifier                        2x768 head             1.54 k 1.54 k

removable            in                 together
────────────────────────────────────────────────────────────────────────
12 heads of 64       2 x encoder.layer  query rows; output columns
768 hidden channels  word_embeddings    stay: is normalised with others

25,803,264 parameters, 437.9 MB dense; 0.0% of product weights are zero
169 k multiply-adds for 1 x 128 tokens; 169 k (100.0%) if zeros are skipped""",
    )


def test_layers_that_lost_heads_and_weights_at_80(rendered: Callable[..., str]) -> None:
    assert_expected_inline(
        rendered(model_view(model((12, 0.9), (4, 0.5), (8, 0.75)))),
        """\
out/bert  BertForSequenceClassification
part                                shape role             params   MACs  zeros
───────────────────────────────────────────────────────────────────────────────
bert                                                       25.8 M  173 k     7%
  embeddings.word_embeddings    30522x768 embedding        23.4 M
  3 x encoder.layer.attention                              2.36 M  173 k    78%
    query                     256-768x768 attention.query  1.18 M  152 k 50-90%
    output                    768x256-768 attention.output 1.18 M 21.0 k 50-90%
classifier                          2x768 head             1.54 k 1.54 k

removable            in                 together
────────────────────────────────────────────────────────────────────────
4-12 heads of 64     3 x encoder.layer  query rows; output columns
768 hidden channels  word_embeddings    stay: is normalised with others

layer                 heads              zeros              params
───────────────────────────────────────────────────────────────────────────────
bert.encoder.layer.0     12  ██████████    90%  █████████   1.18 M  ██████████
bert.encoder.layer.1      4  ███▍          50%  █████        393 k  ███▍
bert.encoder.layer.2      8  ██████▋       75%  ███████▌     787 k  ██████▋

25,803,264 parameters, 437.9 MB dense; 78.3% of product weights are zero
176 k multiply-adds for 1 x 128 tokens; 41.4 k (23.6%) if zeros are skipped""",
    )


def test_the_same_in_ascii_at_120(rendered: Callable[..., str]) -> None:
    assert_expected_inline(
        rendered(model_view(model((12, 0.9), (4, 0.5))), width=120, encoding="ascii"),
        """\
out/bert  BertForSequenceClassification
part                                 shape  role              params    MACs   zeros
-------------------------------------------------------------------------------------------------
bert                                                          25.0 M   115 k      5%  #.........
  embeddings.word_embeddings     30522x768  embedding         23.4 M
  2 x encoder.layer.attention                                 1.57 M   115 k     80%  ########..
    query                      256-768x768  attention.query    786 k   101 k  50-90%  ########..
    output                     768x256-768  attention.output   786 k  14.0 k  50-90%  ########..
classifier                           2x768  head              1.54 k  1.54 k

removable            in                 together
------------------------------------------------------------------------
4-12 heads of 64     2 x encoder.layer  query rows; output columns
768 hidden channels  word_embeddings    stay: is normalised with others

layer                 heads              zeros              params
-------------------------------------------------------------------------------
bert.encoder.layer.0     12  ##########    90%  #########.  1.18 M  ##########
bert.encoder.layer.1      4  ###.......    50%  #####.....   393 k  ###.......

25,016,320 parameters, 437.9 MB dense; 79.9% of product weights are zero
118 k multiply-adds for 1 x 128 tokens; 27.0 k (22.9%) if zeros are skipped""",
    )


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_every_line_fits(rendered: Callable[..., str], width: int, encoding: str) -> None:
    shown = rendered(model_view(model((12, 0.9), (4, 0.5))), width=width, encoding=encoding)
    assert max(map(len, shown.splitlines())) <= width
    assert encoding == "utf-8" or shown.isascii()


def test_a_model_without_products_has_its_parameters_counted(
    rendered: Callable[..., str],
) -> None:
    bare = replace(model(), weights=(Weight("table", (3, 2), "embedding", 0.0),), removable=())
    shown = rendered(model_view(bare)).splitlines()
    assert shown[-3:] == [
        "nothing can be removed as a whole", "", "6 parameters, 437.9 MB dense",
    ]  # fmt: skip


def test_zeros_that_nobody_pruned_are_not_told() -> None:
    padding = Weight("table", (1000, 2), "embedding", 0.001)
    bias = Weight("bias", (4,), "vector", 1.0)
    assert zeros([padding, bias]) is None
    pruned = Weight("up", (1000, 2), "ffn.up", 0.5)
    assert zeros([padding, bias, pruned]) == (0.001, 0.5, pytest.approx(0.2505))
