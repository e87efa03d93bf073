"""NNCF's configurations of movement and magnitude sparsity."""

from __future__ import annotations

import math
from typing import Any

from sparsify.errors import Problem
from sparsify.importing.draft import Draft, Length, ramp, schedule
from sparsify.importing.keys import Keys, keys_of
from sparsify.importing.rows import Account, listed
from sparsify.importing.scopes import targets_of
from sparsify.importing.sparseml import QUANTIZED
from sparsify.schema.nodes import Entry, Items, Node, Table

NO_LENGTH = "the file does not say how long the run is; see --epochs"


def is_nncf(tree: Table) -> bool:
    return "compression" in tree.entries or "algorithm" in tree.entries


def read_nncf(tree: Table, length: Length, account: Account) -> Draft:
    """The draft of a configuration; every key goes to `account`."""
    draft = Draft(length.epochs, length.steps_per_epoch)
    if "algorithm" in tree.entries:
        _algorithm(keys_of(account, "", Entry(tree.spot, tree)), draft)
        return draft
    top = Keys(account, "", tree)
    for number, node in enumerate(_listed(tree.entries["compression"].node)):
        path = f"compression.{number}"
        _algorithm(keys_of(account, path, Entry(node.spot, node)), draft)
    top.told.add("compression")
    top.needless("input_info", "inputs are made up from the model, or given in `capture.inputs`")
    top.needless("log_dir", "a run's folder is --output")
    top.close("what the training script alone reads")
    return draft


def _listed(node: Node) -> tuple[Node, ...]:
    return node.items if isinstance(node, Items) else (node,)


def _algorithm(keys: Keys, draft: Draft) -> None:
    name = keys.text("algorithm")
    if name == "movement_sparsity":
        _movement(keys, draft)
    elif name in ("magnitude_sparsity", "const_sparsity"):
        _magnitude(keys, draft, constant=name == "const_sparsity")
    elif name == "quantization":
        keys.close(QUANTIZED)
    elif name == "knowledge_distillation":
        _distillation(keys, draft)
    else:
        keys.close(f"the algorithm {name!r} is not here")


def _movement(keys: Keys, draft: Draft) -> None:
    keys.same("algorithm", "soft-prune")
    params = keys.inner("params") if "params" in keys else Keys(keys.account, "", _empty(keys))
    final = params.number("final_importance_threshold", 0.0) or 0.0
    threshold = _sigmoid(final)
    factor = params.number("importance_regularization_factor")
    old = "importance_regularization_factor" if factor is not None else "regu_final_lambda"
    strength = 0.5 * (params.number(old, 0.0) or 0.0)
    when = _between(params, draft, "warmup_start_epoch", "warmup_end_epoch")
    curve = schedule("polynomial", params.number("power", 3.0) or 3.0, 0.0)
    params.near("final_importance_threshold", f"threshold: {threshold:.4g}", "sigmoid of it")
    params.near("init_importance_threshold", "", "the threshold rises from 0, below all scores")
    params.near(old, f"regularization: {strength:g}", "half of it; biases have no masks here")
    params.same("power", f"schedule: {listed(curve)}")
    if params.text("schedule", "threshold_polynomial_decay").find("poly") >= 0:
        params.same("schedule", f"schedule: {listed(curve)}")
    params.needless("update_per_optimizer_step", "thresholds rise in every step")
    if params.flag("enable_structured_masking", True):
        params.lost("enable_structured_masking", "whole heads and neurons: see `pattern: head`")
    params.same("enable_structured_masking", "masks stay as they are at the end of the ramp")
    params.close()
    _structures(keys)
    options: dict[str, Any] = {"regularization": strength, "threshold": threshold, "every": 1}
    options |= {"schedule": curve, **when, "scores": {"start": "zero"}}
    draft.prune("soft-prune", options, targets_of(keys))
    keys.needless("compression_lr_multiplier", "see `scores.learning_rate`")
    keys.close()


def _magnitude(keys: Keys, draft: Draft, *, constant: bool) -> None:
    if constant:
        keys.same("algorithm", "insert-masks, keep_zeros")
        draft.masked += targets_of(keys)
        draft.keeps_zeros = True
        keys.close()
        return
    keys.same("algorithm", "prune, criterion: magnitude")
    params = keys.inner("params") if "params" in keys else Keys(keys.account, "", _empty(keys))
    share = params.share("sparsity_target", 0.5)
    initial = keys.share("sparsity_init", 0.0) or 0.0
    assert share is not None
    kind = params.text("schedule", "exponential")
    power = params.number("power", 0.9) or 0.9
    options: dict[str, Any] = {"criterion": "magnitude", "sparsity": share, "scope": "global"}
    options["schedule"] = schedule("polynomial", power, initial / share if initial <= share else 0)
    options |= _between(params, draft, "", "sparsity_target_epoch")
    if kind == "polynomial" and params.flag("concave", True):
        params.same("schedule", f"schedule: {listed(options['schedule'])}")
    params.lost("schedule", f"{kind!r} is not here; a polynomial instead")
    params.same("sparsity_target", f"sparsity: {share:g}")
    params.same("power", f"schedule: {listed(options['schedule'])}")
    params.same("concave", "schedule: polynomial")
    params.needless("sparsity_freeze_epoch", "masks are computed anew until the end")
    if params.flag("update_per_optimizer_step"):
        options["every"] = 1
    elif draft.steps_per_epoch:
        options["every"] = draft.steps_per_epoch
    else:
        params.near("update_per_optimizer_step", "every: 8", "an epoch's steps are not known")
    params.same("update_per_optimizer_step", f"every: {options.get('every')} steps")
    params.near("weight_importance", "criterion: magnitude", "ranked by |w| alone")
    params.close()
    keys.same("sparsity_init", f"schedule: first {initial / share if share else 0:.4g}")
    draft.prune("prune", options, targets_of(keys))
    keys.close()


def _distillation(keys: Keys, draft: Draft) -> None:
    keys.same("algorithm", "distill")
    scale = keys.number("scale", 1.0)
    temperature = keys.number("temperature", 1.0)
    draft.teacher = {}
    if keys.text("type", "softmax") == "softmax":
        loss: Any = {"kl": {"temperature": temperature}}
        keys.same("type", "loss: kl")
    else:
        loss = "mse"
        keys.same("type", "loss: mse")
    draft.distill["logits"] = {"weight": scale, "loss": loss}
    keys.same("scale", f"distill.logits.weight: {scale:g}")
    keys.same("temperature", f"loss: {listed(loss)}")
    keys.close()


def _between(params: Keys, draft: Draft, begin: str, finish: str) -> dict[str, float]:
    """The ramp from one epoch to another, where the length of the run is known."""
    start, end = (params.number(begin, 0.0) or 0.0) if begin else 0.0, params.number(finish)
    if steps := params.number("steps_per_epoch"):
        draft.steps_per_epoch = draft.steps_per_epoch or int(steps)
        params.same("steps_per_epoch", f"train.steps, {steps:g} to an epoch")
    if draft.epochs is None or end is None:
        for name in (begin, finish):
            params.lost(name, NO_LENGTH)
        return {}
    found = ramp(draft.epochs, start, end, where=params.at(finish))
    params.same(begin, f"warmup: {found['warmup']:.4g} of the steps")
    params.same(finish, f"cooldown: {found['cooldown']:.4g} of the steps")
    return found


def _structures(keys: Keys) -> None:
    """The blocks that scores are shared in."""
    given = keys.value("sparse_structure_by_scopes", [])
    if isinstance(given, list) and all(_mode(each) == "fine" for each in given):
        keys.same("sparse_structure_by_scopes", "pattern: element")
    keys.lost("sparse_structure_by_scopes", "`soft-prune` finds masks of single weights only")


def _mode(structure: Any) -> Any:
    """`fine`, `block` or `per_dim`; None where nothing is understood."""
    match structure:
        case {"mode": mode} | [mode, *_]:
            return mode
        case _:
            return None


def _sigmoid(value: float) -> float:
    if abs(value) > 30:
        raise Problem(f"the threshold {value:g} masks everything or nothing")
    return 1 / (1 + math.exp(-value))


def _empty(keys: Keys) -> Table:
    return Table(keys.table.spot, {})
