"""`--set a.b=c`: what each way of naming a value reaches."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sparsify.written_recipes import BASE, Write, dump


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("seed=5", ("seed",), 5),
        ("model=c", ("model",), {"path": "c", "tokenizer": "b"}),
        ("model.tokenizer=c", ("model", "tokenizer"), "c"),
        ("model={path: c}", ("model",), {"path": "c"}),
        ("model=", ("model",), None),
        ("data.train=a.csv", ("data",), {"train": "a.csv"}),
        ("data.text=[a, b]", ("data",), {"text": ["a", "b"]}),
        ("train.steps=7", ("train", "steps"), 7),
        ("train.learning_rate=1e-4", ("train", "learning_rate"), 1e-4),
        ("passes=[clean]", ("passes",), ["clean"]),
        ("passes.prune.sparsity=0.7", ("passes", 2, "prune", "sparsity"), 0.7),
        ("passes.2.sparsity=0.7", ("passes", 2, "prune", "sparsity"), 0.7),
        ("passes.2.prune.sparsity=0.7", ("passes", 2, "prune", "sparsity"), 0.7),
        ("passes.0=insert-masks", ("passes", 0), "insert-masks"),
        ("passes.clean=", ("passes", 0), "clean"),
        ("passes.prune.criterion.movement=", ("passes", 2, "prune", "criterion"), "movement"),
        ("passes.prune.scores.start=zero", ("passes", 2, "prune", "scores"), {"start": "zero"}),
        ("vars.sparsity=0.97", ("passes", 2, "prune", "sparsity"), 0.97),
        ("vars.targets=[x]", ("passes", 1, "insert-masks", "targets"), ["x"]),
        ("model.tokenizer=${folder}/t", ("model", "tokenizer"), "models/a/t"),
    ],
)
def test_an_override_sets_one_value(
    write_recipe: Write, override: str, path: tuple[str | int, ...], value: object
) -> None:
    found: Any = dump(write_recipe(BASE), override)
    for element in path:
        found = found[element]
    assert found == value


def test_one_entry_of_a_list_can_be_set(write_recipe: Write) -> None:
    name = write_recipe("passes: []\ndata: {text: [a, b]}")
    assert dump(name, "data.text.1=c")["data"] == {"text": ["a", "c"]}


def test_overrides_apply_in_order(write_recipe: Write) -> None:
    found = dump(write_recipe(BASE), "passes=[clean, distill]", "passes.distill.logits.weight=0.5")
    assert found["passes"] == ["clean", {"distill": {"logits": {"weight": 0.5}}}]


def test_the_options_of_a_choice_can_be_set(write_recipe: Write) -> None:
    name = write_recipe("passes: [{distill: {logits: {loss: kl}}}]")
    kl = {"distill": {"logits": {"loss": {"kl": {"temperature": 4.0}}}}}
    assert dump(name, "passes.distill.logits.loss.kl.temperature=4")["passes"] == [kl]


def test_another_choice_leaves_the_options_of_the_old_one(write_recipe: Write) -> None:
    name = write_recipe("passes: [{distill: {logits: {loss: {kl: {temperature: 4}}}}}]")
    found = dump(name, "passes.distill.logits.loss.mse=")
    assert found["passes"] == [{"distill": {"logits": {"loss": "mse"}}}]


def test_a_model_given_as_text_can_get_more_keys(write_recipe: Write) -> None:
    name = write_recipe("model: a\npasses: []")
    assert dump(name, "model.tokenizer=b")["model"] == {"path": "a", "tokenizer": "b"}


def test_a_model_can_be_given_where_there_is_none(write_recipe: Write) -> None:
    assert dump(write_recipe("passes: []"), "model=a/b")["model"] == {"path": "a/b"}
