"""The recipe that gives each weight the budget which its curve asks for."""

from __future__ import annotations

from collections.abc import Sequence

from sparsify.pipeline import Pass
from sparsify.recipe import Recipe
from sparsify.run.sensing.budgets import give
from sparsify.run.sensing.facts import Sensitivity
from sparsify.run.sensing.measure import groups
from sparsify.schema import to_yaml

DIGITS = 4
"""After the point, of a budget."""


def budgeted(found: Sensitivity, sparsity: float) -> Sensitivity:
    """`found` with a budget for every curve.

    Raises:
        Problem: more was asked for than was measured.
    """
    shares = [round(each, DIGITS) for each in give(found.curves, sparsity)]
    curves = [
        curve.model_copy(update={"budget": share})
        for curve, share in zip(found.curves, shares, strict=True)
    ]
    changes = {"curves": curves, "groups": groups(curves), "sparsity": sparsity}
    return found.model_copy(update=changes)


def budget_recipe(recipe: Recipe, found: Sensitivity, command: str) -> str:
    """The recipe that was sensed, with the budgets of `found`, as YAML."""
    assert found.sparsity is not None
    *before, prune = recipe.passes
    budgets = {curve.name: curve.budget for curve in found.curves}
    passes: Sequence[Pass] = [
        *before,
        type(prune).model_validate(
            {
                **prune.model_dump(mode="json", exclude_unset=True),
                "sparsity": found.sparsity,
                "budgets": budgets,
            }
        ),
    ]
    head = (
        f"# {found.sparsity:.1%} of all weights that are pruned, each as far as it bears it.\n"
        f"# {command}\n"
    )
    return head + to_yaml(recipe.model_copy(update={"passes": list(passes)}))
