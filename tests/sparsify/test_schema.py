"""Reading recipes: by name and by path, YAML, `extends` and `vars`."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from sparsify.schema import read
from sparsify.schema.nodes import Spot, compose, plain
from tests.sparsify.written_recipes import BASE, Write, dump


def test_a_recipe_is_read_by_path(write_recipe: Write) -> None:
    loaded = read(write_recipe(BASE))
    assert loaded.name == "base"
    assert loaded.source == Path("base.yaml")
    assert loaded.recipe.seed == 3


def test_a_built_in_recipe_is_read_by_name() -> None:
    loaded = read("magnitude-oneshot")
    assert loaded.name == "magnitude-oneshot"
    assert [each.tag for each in loaded.recipe.passes] == ["clean", "insert-masks", "prune"]


def test_the_resolved_text_has_no_vars_and_says_the_same(write_recipe: Write) -> None:
    loaded = read(write_recipe(BASE), ["vars.sparsity=0.9"])
    expected = """\
# Prunes.
model:
  path: models/a
  tokenizer: b
passes:
  - clean
  - insert-masks:
      targets:
        - body
        - head
  - prune:
      criterion: magnitude
      sparsity: 0.9
train:
  steps: 10
  learning_rate: 5.0e-05
seed: 3
"""
    assert loaded.text == expected
    assert read(write_recipe(loaded.text, "again.yaml")).recipe == loaded.recipe


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5e-5", 5e-5),
        ("1_000.5", 1000.5),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("010", 10),
        ("1_000", 1000),
        ("off", False),
        ("Yes", True),
        ("~", None),
        ("2020-01-01", "2020-01-01"),
        ("12:30", "12:30"),
        ("0x10", "0x10"),
        ("'5'", "5"),
        ("e5", "e5"),
    ],
)
def test_a_word_means_what_it_looks_like(text: str, value: object) -> None:
    node = compose(text, lambda _mark: Spot("a"))
    assert node is not None
    assert plain(node) == value


def test_aliases_and_merge_keys_are_resolved(write_recipe: Write) -> None:
    text = """\
passes: []
teacher: {fine_tune: &shared {batch: 8, steps: 5}}
train: {<<: *shared, steps: 7}
"""
    train = read(write_recipe(text)).recipe.train
    assert train is not None
    assert (train.batch, train.steps) == (8, 7)


def test_the_first_of_several_merged_mappings_wins(write_recipe: Write) -> None:
    text = "passes: []\ntrain:\n  <<: [{batch: 1}, {batch: 2, steps: 3}]\n"
    assert dump(write_recipe(text))["train"] == {"batch": 1, "steps": 3}


def test_a_whole_reference_keeps_its_type_and_a_part_is_text(write_recipe: Write) -> None:
    text = "vars: {n: 1e-3, on: yes}\nmodel: run-${n}-${on}\npasses: []\n"
    found = dump(write_recipe(text + "train: {learning_rate: '${n}'}"))
    assert found["model"] == {"path": "run-1e-3-yes"}
    assert found["train"] == {"learning_rate": 1e-3}


def test_two_dollars_are_a_literal_one(write_recipe: Write) -> None:
    assert dump(write_recipe("model: a$${b}$c\npasses: []"))["model"] == {"path": "a${b}$c"}


def test_an_unused_variable_is_allowed(write_recipe: Write) -> None:
    assert dump(write_recipe("vars: {a: 1}\npasses: []")) == {"passes": []}


def test_a_child_merges_mappings_and_replaces_the_rest(write_recipe: Write) -> None:
    write_recipe(BASE)
    child = "extends: base.yaml\nvars: {folder: c}\ntrain: {steps: 20}\npasses: [clean]\n"
    assert dump(write_recipe(child, "child.yaml")) == {
        "model": {"path": "c", "tokenizer": "b"},
        "passes": ["clean"],
        "train": {"steps": 20, "learning_rate": 5e-5},
        "seed": 3,
    }


def test_a_path_in_extends_starts_at_the_file(write_recipe: Write) -> None:
    write_recipe("passes: [clean]", "inner/base.yaml")
    write_recipe("extends: base.yaml\nseed: 1", "inner/middle.yaml")
    assert dump(write_recipe("extends: inner/middle.yaml\nseed: 2")) == {
        "passes": ["clean"],
        "seed": 2,
    }


def test_a_built_in_recipe_can_be_extended(write_recipe: Write) -> None:
    recipe = read(write_recipe("extends: magnitude-oneshot\nvars: {sparsity: 0.75}")).recipe
    assert recipe.passes[-1].model_dump()["sparsity"] == 0.75
