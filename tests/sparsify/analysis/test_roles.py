"""Roles come from dataflow and shapes; targets name them, or names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from passes.insert_masks import InsertMasks
from sparsify.analysis.roles import GROUPS, ROLES, roles, select
from sparsify.errors import Problem
from tests.sparsify.analysis.architectures import program as architecture
from tests.sparsify.programs import Tied, Toy, program, ran

GOLDEN = Path(__file__).with_name("roles.txt")
"""For every architecture the role of every parameter that is no vector, one layer for all."""


def as_text(name: str) -> str:
    """The roles of a row of the zoo; the first number in a name is left out."""
    lines: dict[str, set[str]] = {}
    for parameter, role in roles(architecture(name)).items():
        if role != "vector":
            lines.setdefault(re.sub(r"\.\d+\.", ".#.", parameter, count=1), set()).add(role)
    return "".join(f"  {line} {' '.join(sorted(found))}\n" for line, found in lines.items())


def golden() -> dict[str, str]:
    """Row of the zoo -> the lines below its name."""
    parts = re.split(r"^(?! )(.+)\n", GOLDEN.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("name", golden())
def test_every_parameter_of_an_architecture_has_its_role(name: str) -> None:
    assert as_text(name) == golden()[name]


@pytest.mark.parametrize("name", golden())
def test_every_parameter_has_a_known_role_and_vectors_are_what_is_left(name: str) -> None:
    found = roles(architecture(name))
    module = architecture(name).module
    assert found.keys() == dict(module.named_parameters()).keys()
    assert set(found.values()) <= ROLES.keys()
    assert all(role == "vector" for n, role in found.items() if module.get_parameter(n).ndim < 2)


@pytest.mark.parametrize("name", golden())
def test_the_body_is_no_head_and_no_table(name: str) -> None:
    found = roles(architecture(name))
    body = select(found, ["body"])
    assert {found[n] for n in body}.isdisjoint({"head", "pooler", "embedding", "vector", "other"})
    assert set(select(found, ["attention"])) <= set(body)


def test_roles_stay_when_weights_are_masked() -> None:
    expected = roles(program("bert"))
    assert roles(ran("bert", InsertMasks(targets=["body", "head"]))) == expected


def test_a_table_that_also_gives_the_output_is_an_embedding() -> None:
    assert roles(program(Tied)) == {
        "inner.weight": "projection",
        "inner.bias": "vector",
        "words.weight": "embedding",
    }


def test_keys_of_another_stream_make_cross_attention() -> None:
    found = roles(architecture("t5 / seq2seq-lm"))
    crossing = select(found, ["cross-attention"])
    assert crossing == [n for n, role in found.items() if "EncDecAttention" in n]


def test_the_documentation_lists_every_role_and_group() -> None:
    lines = (Path(__file__).parents[3] / "docs/recipes.md").read_text().splitlines()
    for name, meaning in {**ROLES, **GROUPS}.items():
        assert f"| `{name}` | {meaning} |" in lines


KNOWN = {
    "a.q.weight": "attention.query",
    "a.k.weight": "attention.key",
    "b.weight": "head",
    "b.bias": "vector",
}


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        (["body"], ["a.q.weight", "a.k.weight"]),
        (["attention"], ["a.q.weight", "a.k.weight"]),
        (["attention.key"], ["a.k.weight"]),
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
        (["attention.kye"], "targets: 'attention.kye' matches no parameter; "
         "did you mean 'attention.key', as in 'a.k.weight'?"),
        (["re:weight"], "targets: 're:weight' matches no parameter; "
         "the roles here are attention, head, vector; a name is 'a.q.weight'"),
        (["re:("], "targets: 're:(' is no regular expression: missing ), unterminated subpattern"
         " at position 0"),
        (["zzzzzzzz"], "targets: 'zzzzzzzz' matches no parameter; "
         "the roles here are attention, head, vector; a name is 'a.q.weight'"),
    ],
)  # fmt: skip
def test_a_target_that_means_nothing_is_a_mistake(targets: list[str], said: str) -> None:
    with pytest.raises(Problem) as caught:
        select(KNOWN, targets, where="targets")
    assert str(caught.value) == said


def test_a_toy_has_two_roles() -> None:
    found = roles(program(Toy))
    assert (found["inner.weight"], found["head.weight"]) == ("projection", "head")
