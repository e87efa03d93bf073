"""Roles come from dataflow and shapes; targets name them, or names."""

from __future__ import annotations

import pytest

from passes.insert_masks import InsertMasks
from sparsify.analysis.roles import ROLES, roles, select
from sparsify.errors import Problem
from tests.sparsify.programs import EVERY, Tied, Toy, pair, program, ran

HEADS = {
    "bert": {"bert.pooler.dense.weight", "classifier.weight"},
    "distilbert": {"pre_classifier.weight", "classifier.weight"},
    "roberta": {"classifier.dense.weight", "classifier.out_proj.weight"},
    "albert": {"albert.pooler.weight", "classifier.weight"},
    "electra": {"classifier.dense.weight", "classifier.out_proj.weight"},
    "mpnet": {"classifier.dense.weight", "classifier.out_proj.weight"},
    "plain": {"head.weight"},
}
BODIES = {"bert": 12, "distilbert": 12, "roberta": 12, "albert": 7, "electra": 13, "mpnet": 12,
          "plain": 8}  # fmt: skip


@pytest.mark.parametrize("kind", EVERY)
def test_every_parameter_has_its_role(kind: str) -> None:
    found = roles(pair(kind)[1])
    assert set(found) == {name for name, _ in pair(kind)[1].module.named_parameters()}
    by_role = {role: {n for n, r in found.items() if r == role} for role in ROLES}
    assert by_role["head"] == HEADS[kind]
    assert len(by_role["body"]) == BODIES[kind]
    tables = ("embedding", "words.", "positions.", "relative_attention_bias")
    assert by_role["embedding"] == {
        name
        for name in found
        if any(t in name for t in tables) and name.endswith("weight") and found[name] != "vector"
        and name not in by_role["body"]
    }  # fmt: skip
    assert by_role["vector"] == {n for n in found if pair(kind)[1].tensor(n).ndim == 1}
    assert not by_role["other"]


@pytest.mark.parametrize("kind", EVERY)
def test_every_weight_of_the_encoder_is_body(kind: str) -> None:
    _, found = pair(kind)
    for name, role in roles(found).items():
        if (".layer." in name or ".layers." in name) and found.tensor(name).ndim == 2:
            assert role == "body", name


def test_roles_stay_when_weights_are_masked() -> None:
    expected = roles(program("bert"))
    assert roles(ran("bert", InsertMasks(targets=["body", "head"]))) == expected


def test_a_table_that_also_gives_the_output_is_an_embedding() -> None:
    assert roles(program(Tied)) == {
        "inner.weight": "body",
        "inner.bias": "vector",
        "words.weight": "embedding",
    }


KNOWN = {"a.q.weight": "body", "a.k.weight": "body", "b.weight": "head", "b.bias": "vector"}


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        (["body"], ["a.q.weight", "a.k.weight"]),
        (["head", "body"], ["a.q.weight", "a.k.weight", "b.weight"]),
        (["*.weight"], ["a.q.weight", "a.k.weight", "b.weight"]),
        (["a.[qv].weight"], ["a.q.weight"]),
        ([r"re:a\.(q|k)\.weight"], ["a.q.weight", "a.k.weight"]),
        (["re:.*bias", "a.k.weight"], ["a.k.weight", "b.bias"]),
        ([], []),
    ],
)
def test_targets_are_roles_globs_and_patterns(targets: list[str], expected: list[str]) -> None:
    assert select(KNOWN, targets) == expected


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        (["a.q.wieght"],
         "targets: 'a.q.wieght' matches no parameter; "
         "did you mean 'weight', as in 'a.q.weight'?"),
        (["body", "bdoy"], "targets: 'bdoy' matches no parameter; "
         "did you mean 'body', as in 'a.q.weight'?"),
        (["re:weight"], "targets: 're:weight' matches no parameter; "
         "the roles here are body, head, vector; a name is 'a.q.weight'"),
        (["re:("], "targets: 're:(' is no regular expression: missing ), unterminated subpattern"
         " at position 0"),
        (["zzzzzzzz"], "targets: 'zzzzzzzz' matches no parameter; "
         "the roles here are body, head, vector; a name is 'a.q.weight'"),
    ],
)  # fmt: skip
def test_a_target_that_means_nothing_is_a_mistake(targets: list[str], said: str) -> None:
    with pytest.raises(Problem) as caught:
        select(KNOWN, targets, where="targets")
    assert str(caught.value) == said


def test_a_toy_has_both_roles() -> None:
    found = roles(program(Toy))
    assert (found["inner.weight"], found["head.weight"]) == ("body", "head")
