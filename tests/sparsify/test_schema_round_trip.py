"""What is written as YAML reads back to an equal recipe."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparsify import plugins
from sparsify.recipe import Recipe
from sparsify.schema import read, to_yaml

anything = st.text(st.characters(exclude_categories=("Cs",)), max_size=12) | st.sampled_from(
    ["${a}", "$${a}", "$$${", "${", "no", "5e-5", "08", "1:30", "~", "<<", "=", "a: b", "# c", " "]
)
positive = st.integers(1, 10**9)
rate = st.floats(1e-12, 1e12)
trees = st.fixed_dictionaries(
    {
        "passes": st.lists(
            st.just("clean")
            | st.builds(lambda t: {"insert-masks": {"targets": t}}, st.lists(anything, max_size=3))
            | st.builds(
                lambda s, c: {"prune": {"sparsity": s, "criterion": c}},
                st.floats(0, 1),
                st.sampled_from(["magnitude", "movement", {"movement": None}]),
            )
            | st.builds(
                lambda t: {"distill": {"logits": {"loss": {"kl": {"temperature": t}}}}}, rate
            ),
            max_size=4,
        )
    },
    optional={
        "seed": st.integers(),
        "model": anything | st.fixed_dictionaries({"path": anything, "tokenizer": anything}),
        "data": st.fixed_dictionaries(
            {"text": st.lists(anything, max_size=2)}, optional={"regression": st.booleans()}
        ),
        "train": st.none() | st.fixed_dictionaries({"steps": positive, "learning_rate": rate}),
    },
)


@settings(max_examples=100, deadline=None)
@given(tree=trees)
def test_what_is_written_reads_back_to_an_equal_recipe(
    tree: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    plugins.load()
    recipe = Recipe.model_validate(tree)
    path = tmp_path_factory.getbasetemp() / "written.yaml"
    path.write_text(to_yaml(recipe), encoding="utf-8")
    again = read(str(path))
    assert again.recipe == recipe
    assert again.recipe.model_dump(exclude_unset=True) == recipe.model_dump(exclude_unset=True)
