"""Make one weight sparse after another, and see how far the outputs move."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import fmean

import torch
from torch import Tensor

from sparsify.analysis.roles import roles
from sparsify.errors import Problem
from sparsify.pipeline import Pass, apply
from sparsify.program import MASK, Program
from sparsify.recipe import Recipe
from sparsify.run.clock import Clock
from sparsify.run.sensing.facts import Curve, Group, Point, Sensitivity
from sparsify.run.sensing.replies import Replies, Reply
from sparsify.run.setup import prepare
from sparsify.watch import Watch


def sense(
    recipe: Recipe, *, sparsities: Sequence[float], watch: Watch | None = None
) -> Sensitivity:
    """Run the passes of `recipe` but for the last, a `prune`, of which every place is tried alone.

    Args:
        recipe: a model, data, and passes that end with a one-shot `prune`.
        sparsities: what each place is tried at.
        watch: told of everything that happens.

    Raises:
        Problem: a mistake in the recipe, its model or its data.
    """
    started = time.perf_counter()
    clock = Clock(watch or Watch())
    setup = prepare(recipe, clock)
    *before, prune = recipe.passes
    program = setup.program
    with clock.phase("passes"):
        apply(before, program, after=clock.watch.passed)
    tried = sorted(set(sparsities))
    with clock.phase("sense"):
        labels = "class" if setup.dataset is None else setup.dataset.labels
        if labels not in ("class", "number"):
            raise Problem("outputs are compared where each text has one label", where="data.task")
        replies = Replies(program, regression=labels == "number")
        curves = _curves(program, prune, tried, replies, clock.watch)
    options = prune.model_dump(mode="json")
    return Sensitivity(
        model=setup.source.name,
        criterion=_name(options["criterion"]),
        pattern=_name(options["pattern"]),
        rows=replies.rows,
        sparsities=tried,
        loss=replies.dense.loss,
        accuracy=replies.dense.accuracy,
        curves=curves,
        groups=groups(curves),
        seconds=time.perf_counter() - started,
    )


def _name(chosen: str | dict[str, object]) -> str:
    return chosen if isinstance(chosen, str) else next(iter(chosen))


def _curves(
    program: Program, prune: Pass, tried: Sequence[float], replies: Replies, watch: Watch
) -> list[Curve]:
    masks = {name: mask.clone() for name, mask in program.masks().items()}
    known = roles(program)
    places = list(_at(prune, 0.0, ["*"]).run(program).did)
    if not places:
        what = "there is nothing that it could prune"
        raise Problem(what, where="pattern", hint="try `element`")
    watch.begin("sense", len(places) * len(tried))
    found: list[Curve] = []
    for place in places:
        points: list[Point] = []
        changed: set[str] = set()
        for sparsity in tried:
            try:
                _at(prune, sparsity, [place]).run(program)
                changed = {n for n, m in masks.items() if not torch.equal(m, _mask(program, n))}
                reply = replies.of(changed)
            finally:
                for name, mask in masks.items():
                    _mask(program, name).copy_(mask)
            points.append(_point(sparsity, reply))
            done = len(found) * len(tried) + len(points)
            watch.advance("sense", done, {"divergence": reply.divergence})
        weights = sum(masks[name].numel() for name in changed)
        found.append(
            Curve(name=place, role=known.get(place, place), weights=weights, points=points)
        )
    return found


def _at(prune: Pass, sparsity: float, targets: list[str]) -> Pass:
    return prune.model_copy(update={"sparsity": sparsity, "targets": targets})


def _mask(program: Program, name: str) -> Tensor:
    return program.tensor(f"{name}{MASK}")


def _point(sparsity: float, reply: Reply) -> Point:
    return Point(
        sparsity=sparsity, divergence=reply.divergence, loss=reply.loss, accuracy=reply.accuracy
    )


def groups(curves: Sequence[Curve]) -> list[Group]:
    """The means over all curves of one role, in the order of the first of each."""
    by_role: dict[str, list[Curve]] = {}
    for curve in curves:
        by_role.setdefault(curve.role, []).append(curve)
    found = []
    for role, members in by_role.items():
        columns = zip(
            *([point.divergence for point in each.points] for each in members), strict=True
        )
        given = [(each.budget, each.weights) for each in members]
        total = sum(weights for _, weights in given)
        shares = [share * weights for share, weights in given if share is not None]
        found.append(
            Group(
                role=role,
                divergences=[fmean(column) for column in columns],
                budget=sum(shares) / total if len(shares) == len(given) and total else None,
            )
        )
    return found
