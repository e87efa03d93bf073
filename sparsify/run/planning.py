"""A plan: what every pass would match and change, and what that would be worth, in seconds."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from sparsify.analysis.cost import cost, per_node
from sparsify.data import Dataset, Split
from sparsify.export.cost_model import CostModel, cost_model, is_fitted
from sparsify.export.fastest import SMALLEST_SIDE
from sparsify.export.forecast import forecast
from sparsify.kinds import Chosen
from sparsify.pipeline import Step, apply
from sparsify.program import Program
from sparsify.report import Cost, Forecast, PlanReport
from sparsify.run.calibration import stand_in
from sparsify.run.points import START, Look, all_passes
from sparsify.run.setup import Setup, captured, no_model
from sparsify.run.sizes import longest_usual, usual_length, usual_sizes
from sparsify.runtime.library import missing_library
from sparsify.runtime.session import physical_cores
from sparsify.schema import Loaded
from sparsify.watch import Watch

TWO_CLASSES = Dataset(Split([], []), Split([], []), ("0", "1"), ())
"""A head costs next to nothing, so it is planned without counting the classes of the data."""


def plan(loaded: Loaded, *, watch: Watch | None = None, look: Look | None = None) -> PlanReport:
    """Capture the model, run the passes, and predict the file: no data, no training, no self-test.

    Args:
        loaded: the recipe.
        watch: told of everything that happens.
        look: where someone looks at the program.

    Raises:
        Problem: a mistake in the recipe or its model.
    """
    watch, look = watch or Watch(), look or Look()
    free = look.looks or any(each.structural for each in all_passes(loaded))
    setup = captured_untested(loaded, watch, free=free)
    program, sequence = setup.program, usual_length(setup, loaded.recipe.data)
    model, why = _cost_model(program, sequence, watch)
    before, dense = _worth(program, sequence, None, model)
    steps, owed = rehearsed(loaded, program, watch, look)
    watch.phase("forecast")
    after, sparse = _worth(program, sequence, loaded.recipe.export.lowering, model)
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


def captured_untested(loaded: Loaded, watch: Watch, *, free: bool = True) -> Setup:
    """The model of a recipe, captured; that the graph equals it, a run tests.

    Where its sizes need not be `free`, they are those of one text, which takes half the time.

    Raises:
        Problem: the recipe names no model, or it cannot be captured.
    """
    recipe = loaded.recipe
    if recipe.model is None:
        raise no_model(loaded.at("model"))
    watch.phase("capture")
    dataset = None if recipe.train is None and recipe.data is None else TWO_CLASSES
    if recipe.data is not None:
        dataset = replace(TWO_CLASSES, task=recipe.data.task)
    capture = recipe.capture.model_copy(update={"check": False})
    unchecked = recipe.model_copy(update={"capture": capture})
    length = None if free else longest_usual(recipe.data)
    return captured(recipe.model, unchecked, dataset, length=length, at=loaded.at)


def rehearsed(
    loaded: Loaded, program: Program, watch: Watch, look: Look
) -> tuple[list[Step], list[str]]:
    """Run all passes, those of the export on what training would leave, until `look` ends it.

    Returns:
        What each pass did, and what training would owe them, in sentences.
    """
    recipe, count = loaded.recipe, len(loaded.recipe.passes)
    program.samples = stand_in(program)
    watch.phase("passes")
    if START in look.after:
        look.show(START, program)
    run = partial(apply, program=program, check=False)
    steps = run(
        look.upto(loaded, recipe.passes, 0),
        after=look.watching(loaded, program, watch.passed, 0),
        at=partial(loaded.at_pass, "passes"),
    )
    duties = program.plan.duties
    owed = [f"{duty.name}: {sentence}" for duty in duties for sentence in duty.promises()]
    for duty in duties:
        duty.rehearse()
    steps += run(
        look.upto(loaded, recipe.export.passes, count),
        after=look.watching(loaded, program, watch.passed, count),
        at=partial(loaded.at_pass, "export", "passes"),
    )
    return steps, owed


def _worth(
    program: Program, sequence: int, lowering: Chosen | None, model: CostModel | None
) -> tuple[Cost, Forecast]:
    sizes = usual_sizes(program, sequence)
    calls = per_node(program)
    file = forecast(program, calls, sizes, lowering, model)
    return cost(program, sequence=sequence, calls=calls), file


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
