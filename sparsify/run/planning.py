"""A plan: what every pass would match and change, and the cost before and after, in seconds."""

from __future__ import annotations

from functools import partial

from sparsify.analysis.cost import cost
from sparsify.data import Dataset, Split
from sparsify.pipeline import apply
from sparsify.report import PlanReport
from sparsify.run.calibration import stand_in
from sparsify.run.setup import captured, no_model
from sparsify.schema import Loaded
from sparsify.watch import Watch

TWO_CLASSES = Dataset(Split([], []), Split([], []), ("0", "1"), ())


def plan(loaded: Loaded, *, watch: Watch | None = None) -> PlanReport:
    """Capture the model and run the passes, without data and without training.

    Raises:
        Problem: a mistake in the recipe or its model.
    """
    watch = watch or Watch()
    recipe = loaded.recipe
    if recipe.model is None:
        raise no_model(loaded.at("model"))
    watch.phase("capture")
    # a head costs next to nothing, so it is planned without counting the classes of the data
    task = None if recipe.train is None and recipe.data is None else TWO_CLASSES
    setup = captured(recipe.model, recipe, task, at=loaded.at)
    program = setup.program
    before = cost(program)
    program.samples = stand_in(program)
    watch.phase("passes")
    steps = apply(
        recipe.passes,
        program,
        after=watch.passed,
        at=partial(loaded.at_pass, "passes"),
    )
    owed = [
        f"{duty.name}: {sentence}" for duty in program.plan.duties for sentence in duty.promises()
    ]
    for duty in program.plan.duties:
        duty.rehearse()
    return PlanReport(
        recipe=loaded.name,
        model=setup.source.name,
        before=before,
        after=cost(program),
        passes=[step.told() for step in steps],
        training=owed,
        self_test=setup.tested,
    )
