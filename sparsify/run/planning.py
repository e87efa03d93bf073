"""A plan: what every pass would match and change, and what that would be worth, in seconds."""

from __future__ import annotations

from functools import partial

from sparsify.analysis.cost import cost, per_node
from sparsify.data import Dataset, Split
from sparsify.export.cost_model import CostModel, cost_model, is_fitted
from sparsify.export.fastest import SMALLEST_SIDE
from sparsify.export.forecast import forecast
from sparsify.kinds import Chosen
from sparsify.pipeline import apply
from sparsify.program import Program
from sparsify.report import Cost, Forecast, PlanReport
from sparsify.run.calibration import stand_in
from sparsify.run.setup import captured, no_model
from sparsify.run.sizes import usual_length, usual_sizes
from sparsify.runtime.library import missing_library
from sparsify.runtime.session import physical_cores
from sparsify.schema import Loaded
from sparsify.watch import Watch

TWO_CLASSES = Dataset(Split([], []), Split([], []), ("0", "1"), ())


def plan(loaded: Loaded, *, watch: Watch | None = None) -> PlanReport:
    """Capture the model, run the passes, and predict the file: no data, no training, no self-test.

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
    unchecked = recipe.model_copy(
        update={"capture": recipe.capture.model_copy(update={"check": False})}
    )
    setup = captured(recipe.model, unchecked, task, at=loaded.at)
    program, sequence = setup.program, usual_length(setup, recipe.data)
    model, why = _cost_model(program, sequence, watch)
    before, dense = _worth(program, sequence, None, model)
    program.samples = stand_in(program)
    watch.phase("passes")
    run = partial(apply, program=program, check=False, after=watch.passed)
    steps = run(recipe.passes, at=partial(loaded.at_pass, "passes"))
    owed = [
        f"{duty.name}: {sentence}" for duty in program.plan.duties for sentence in duty.promises()
    ]
    for duty in program.plan.duties:
        duty.rehearse()
    steps += run(recipe.export.passes, at=partial(loaded.at_pass, "export", "passes"))
    watch.phase("forecast")
    after, sparse = _worth(program, sequence, recipe.export.lowering, model)
    return PlanReport(
        recipe=loaded.name,
        model=setup.source.name,
        before=before,
        after=after,
        dense_file=dense,
        sparse_file=sparse,
        passes=[step.told() for step in steps],
        training=owed,
        threads=physical_cores(),
        no_latency=why,
    )


def _worth(
    program: Program, sequence: int, lowering: Chosen | None, model: CostModel | None
) -> tuple[Cost, Forecast]:
    sizes = usual_sizes(program, sequence)
    file = forecast(program, per_node(program), sizes, lowering, model)
    return cost(program, sequence=sequence), file


def _cost_model(program: Program, tokens: int, watch: Watch) -> tuple[CostModel | None, str]:
    """The times of layers on this machine, or why there are none."""
    if missing := missing_library():
        return None, missing
    widest = max((min(p.shape) for p in program.module.parameters() if p.ndim == 2), default=0)
    if widest < SMALLEST_SIDE:
        return None, f"every layer has a side below {SMALLEST_SIDE}: too small to predict"
    threads = physical_cores()
    if not is_fitted(tokens, threads):
        watch.phase("timing layers of this machine, once")
    return cost_model(tokens, threads), ""
