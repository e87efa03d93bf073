"""Whether the parts of a recipe fit each other: asked before anything takes long."""

from __future__ import annotations

from sparsify.analysis.roles import roles, select
from sparsify.errors import Problem
from sparsify.program import Program
from sparsify.run.setup import Setup
from sparsify.schema import Loaded


def require_fit(loaded: Loaded, setup: Setup, dense: Program) -> None:
    """Hold what the recipe says to what its passes asked for.

    Args:
        loaded: the recipe.
        setup: its model, captured, after the passes ran.
        dense: the program before they ran.

    Raises:
        Problem: a section or a pass needs one that is not there, or cannot use what is there.
    """
    recipe = loaded.recipe
    duties = setup.program.plan.duties
    if recipe.train is None and duties:
        raise Problem(
            f"`{duties[0].name}` works while training, and the recipe does not train",
            where=loaded.at("train"),
            hint="add a `train` section",
        )
    for section in ("train", "teacher"):
        if getattr(recipe, section) is not None and setup.dataset is None:
            raise Problem(
                f"`{section}` needs data", where=loaded.at("data"), hint="set data.train=FILE"
            )
    _require_ranges(loaded, setup)
    taught = [duty.name for duty in duties if duty.teacher_taps]
    if taught and recipe.teacher is None:
        raise Problem(
            f"`{taught[0]}` needs a teacher",
            where=loaded.at("teacher"),
            hint="add `teacher: {}` to fine-tune one",
        )
    _require_labels(loaded, setup)
    known = roles(dense)
    if recipe.train is not None:
        select(known, recipe.train.freeze, where=loaded.at("train", "freeze"))
    if recipe.teacher is not None:
        where = loaded.at("teacher", "fine_tune", "freeze")
        select(known, recipe.teacher.fine_tune.freeze, where=where)


def _require_ranges(loaded: Loaded, setup: Setup) -> None:
    if loaded.recipe.export.quantize == "static" and setup.dataset is None:
        raise Problem(
            "`quantize: static` needs data to find ranges on",
            where=loaded.at("export", "quantize"),
            hint="set data.train=FILE, or take `dynamic`",
        )


def _require_labels(loaded: Loaded, setup: Setup) -> None:
    if setup.dataset is None:
        return
    for duty in setup.program.plan.duties:
        try:
            duty.accept(setup.dataset.labels)
        except Problem as problem:
            where = f"{loaded.at('passes')}.{duty.name}"
            raise Problem(problem.what, where=where, hint=problem.hint) from None
