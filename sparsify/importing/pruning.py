"""SparseML's and llm-compressor's modifiers that prune, as passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sparsify.errors import Problem
from sparsify.importing import targets
from sparsify.importing.draft import Draft, pattern
from sparsify.importing.keys import LOGGED, Keys
from sparsify.importing.ramps import when
from sparsify.importing.rows import listed

Handler = Callable[[Keys, Draft], None]
STAYS = "masks stay until the weights are written, here always"


def gradual(criterion: str, scope: str = "") -> Handler:
    """A modifier that raises the sparsity along a curve."""

    def told(keys: Keys, draft: Draft) -> None:
        options: dict[str, Any] = {"criterion": criterion}
        options |= _structure(keys, "mask_type" if "mask_type" in keys else "mask_structure")
        options |= _scope(keys, scope)
        chosen = chosen_targets(keys)
        shares = _sparsities(keys, chosen)
        first = _first(keys, shares)
        options |= when(keys, draft, first)
        if criterion == "movement":
            options["scores"] = {"start": "zero"}
            keys.whole("near", "scores are learned by the optimizer, not summed up")
        elif "schedule" in options and not keys.flag("allow_reintroduction"):
            options["regrow"] = False
        keys.needless("log_types", LOGGED)
        keys.needless("leave_enabled", STAYS)
        keys.same("allow_reintroduction", f"regrow: {listed(options.get('regrow', True))}")
        for share, names in shares:
            draft.prune("prune", options | {"sparsity": share}, names)

    return told


def constant(keys: Keys, draft: Draft) -> None:
    """What is zero in the model stays zero."""
    draft.masked += [each for each in chosen_targets(keys) if each not in draft.masked]
    draft.keeps_zeros = True
    for name in ("start_epoch", "start"):
        if max(keys.number(name, 0.0) or 0.0, 0.0) == 0:
            keys.same(name, "from the first step on")
        keys.near(name, "", "zeros are kept from the first step on")
    for name in ("end_epoch", "end"):
        end = keys.number(name, -1.0)
        if end in (-1.0, draft.epochs):
            keys.same(name, "to the last step")
        keys.near(name, "", "zeros are kept to the last step")
    keys.needless("update_frequency", "the masks do not change")
    keys.needless("log_types", LOGGED)
    keys.needless("leave_enabled", STAYS)


def chosen_targets(keys: Keys) -> list[str]:
    """The targets of a modifier, by parameters (`params`) or modules (`targets`, `ignore`)."""
    if "params" in keys or "targets" not in keys:
        names = keys.words("params", ["__ALL_PRUNABLE__"])
        made = targets.parameters(names)
        says = f"targets: {listed(made)}"
        if "__ALL__" in names:
            keys.near("params", says, "biases and normalisations have no masks here")
        keys.same("params", says)
        return made or ["*"]
    made, classes = targets.modules(keys.words("targets"))
    made = made or ["body"]
    ignored = keys.words("ignore")
    made = targets.without(made, ignored)
    if classes:
        keys.near("targets", f"targets: {listed(made)}", f"unknown classes: {listed(classes)}")
    keys.same("targets", f"targets: {listed(made)}")
    keys.same("ignore", f"targets: {listed(made)}")
    return made


def _structure(keys: Keys, name: str) -> dict[str, Any]:
    found = pattern(keys.structure(name))
    if found is None:
        keys.lost(name, "no such pattern here; single weights are pruned")
        return {}
    if found == "element":
        keys.same(name, "pattern: element")
        return {}
    keys.same(name, f"pattern: {listed(found)}")
    return {"pattern": found}


def _scope(keys: Keys, scope: str) -> dict[str, Any]:
    is_global = scope == "global"
    for name in ("global_sparsity", "apply_globally"):
        is_global = is_global or keys.flag(name)
        keys.same(name, "scope: global" if is_global else "scope: weight")
    return {"scope": "global"} if is_global else {}


def _sparsities(keys: Keys, chosen: list[str]) -> list[tuple[float, list[str]]]:
    """Each final sparsity, and the targets that it is for."""
    found = keys.value("final_sparsity")
    if not isinstance(found, dict):
        share = keys.need_share("final_sparsity")
        keys.same("final_sparsity", f"sparsity: {share:g}")
        return [(share, chosen)]
    keys.same("final_sparsity", f"{len(found)} passes, one for each sparsity")
    made = []
    for share, names in found.items():
        try:
            made.append(
                (float(share), targets.parameters([names] if isinstance(names, str) else names))
            )
        except ValueError:
            where = keys.at("final_sparsity")
            raise Problem(
                f"{keys.path}.final_sparsity: {share!r} is no number", where=where
            ) from None
    return made


def _first(keys: Keys, shares: list[tuple[float, list[str]]]) -> float:
    """What the schedule begins at, as a share of the final sparsity."""
    if keys.value("init_sparsity") == "__FROM_PARAM__":
        keys.lost("init_sparsity", "pruning starts from nothing, not from the zeros that are there")
        return 0.0
    initial = keys.share("init_sparsity", 0.0) or 0.0
    last = max((share for share, _ in shares), default=0.0)
    first = initial / last if 0 < initial <= last else 0.0
    if initial > last or (len({share for share, _ in shares}) > 1 and initial):
        keys.near("init_sparsity", f"first: {first:.4g}", "one share of each final sparsity")
    keys.same("init_sparsity", f"schedule: first {first:.4g} of the sparsity")
    return first
