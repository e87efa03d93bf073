"""How much each weight suffers from its own zeros, and budgets that follow from it."""

from sparsify.run.sensing.facts import Curve, Group, Point, Sensitivity
from sparsify.run.sensing.measure import sense
from sparsify.run.sensing.recipe import budget_recipe, budgeted

__all__ = [
    "Curve",
    "Group",
    "Point",
    "Sensitivity",
    "budget_recipe",
    "budgeted",
    "sense",
]
