"""From a recipe to a checked result: the phases of a run, and the plan that only looks ahead."""

from sparsify.run.exporting import export_model
from sparsify.run.full import run
from sparsify.run.planning import plan

__all__ = ["export_model", "plan", "run"]
