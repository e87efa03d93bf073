"""When a modifier prunes: its epochs, its curve and its updates, as the keys of a pass."""

from __future__ import annotations

from typing import Any

from sparsify.importing.draft import Draft, ramp, schedule
from sparsify.importing.keys import Keys

CURVES = {
    "linear": ("linear", 1.0),
    "cubic": ("cubic", 3.0),
    "inverse_cubic": ("polynomial", 1 / 3),
}


def when(keys: Keys, draft: Draft, first: float, *, in_steps: bool = False) -> dict[str, Any]:
    """The schedule and its place in the run."""
    begin, finish = _key(keys, "start_epoch", "start"), _key(keys, "end_epoch", "end")
    start = max(keys.number(begin, 0.0) or 0.0, 0.0)
    end = keys.number(finish, -1.0)
    end = draft.epochs if end is None or end < 0 else end
    if end is None or (draft.epochs is None and end <= start):
        for name in (begin, finish, "update_frequency", "update", "init_sparsity"):
            keys.needless(name, "pruned at once")
        for name in ("inter_func", "update_scheduler", "scheduler_args"):
            keys.needless(name, "pruned at once")
        return {}
    shares = ramp(draft.epochs, start, end, where=keys.at(finish))
    keys.same(begin, f"warmup: {shares['warmup']:.4g} of the steps")
    keys.same(finish, f"cooldown: {shares['cooldown']:.4g} of the steps")
    if end == start:
        keys.near(_key(keys, "inter_func", "update_scheduler"), "", "pruned in one step")
        return {"schedule": {"steps": {"count": 1}}}
    curve, power = _curve(keys)
    options: dict[str, Any] = {"schedule": schedule(curve, power, first), **shares}
    if in_steps:
        return options | _cycles(keys, end - start, curve, first)
    return options | _updates(keys, draft, end - start)


def _curve(keys: Keys) -> tuple[str, float]:
    """The name of our curve and its power."""
    name = _key(keys, "inter_func", "update_scheduler")
    given, more = keys.text(name, "cubic"), keys.value("scheduler_args") or {}
    power = float(more.get("exponent", 2)) if isinstance(more, dict) else 2.0
    if given in CURVES:
        keys.same(name, f"schedule: {CURVES[given][0]}")
        keys.needless("scheduler_args", "the schedule has none")
        return CURVES[given]
    if given == "polynomial_decay" or (given == "polynomial" and power == 1):
        keys.same(name, "schedule: polynomial")
        keys.same("scheduler_args", f"power: {power:g}")
        return "polynomial", power
    keys.lost(name, "no such schedule here; `cubic` instead")
    keys.lost("scheduler_args", "of a schedule that is not here")
    return CURVES["cubic"]


def _updates(keys: Keys, draft: Draft, span: float) -> dict[str, Any]:
    """How often the masks change: so many times along the ramp, or every so many steps."""
    name = _key(keys, "update_frequency", "update")
    every = keys.number(name, -1.0) or -1.0
    if every <= 0:
        keys.near(name, "every: 8", "masks change every 8 steps, not in each")
        return {}
    updates = round(span / every)
    if updates and abs(updates * every - span) < 1e-9:
        keys.same(name, f"updates: {updates}")
        return {"updates": updates}
    if steps := draft.steps(every):
        keys.same(name, f"every: {steps} steps")
        return {"every": steps}
    keys.near(name, "every: 8", "epochs are steps with --steps-per-epoch; every 8 steps without")
    return {}


def _cycles(keys: Keys, span: float, curve: str, first: float) -> dict[str, Any]:
    """The same for a pass that changes its masks whenever its schedule has risen."""
    every = keys.number("update_frequency", -1.0) or -1.0
    cycles = round(span / every)
    if curve == "cubic" and cycles > 0 and abs(cycles * every - span) < 1e-9:
        keys.same("update_frequency", f"schedule: cyclic, cycles: {cycles}")
        return {"every": 1, "schedule": {"cyclic": {"cycles": cycles, "first": first}}}
    keys.near("update_frequency", "every: 100", "masks change every 100 steps")
    return {}


def _key(keys: Keys, *names: str) -> str:
    """The first of `names` that is there, or the first."""
    return next((name for name in names if name in keys), names[0])
