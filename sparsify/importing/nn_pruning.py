"""The arguments of nn_pruning's trainer: movement and magnitude pruning of attention and FFN."""

from __future__ import annotations

from typing import Any

from sparsify.importing.draft import Draft, Length, ramp, schedule
from sparsify.importing.keys import Keys
from sparsify.importing.nn_pruning_training import distillation, others, trainer
from sparsify.importing.rows import Account, listed
from sparsify.schema.nodes import Table

METHODS = ("dense_pruning_method", "attention_pruning_method")
SOFT = "sigmoied_threshold"
"""As the program spells it: masks by sigmoid(score) > threshold."""
TOP = ("topK", "magnitude")
QUERIES = ["attention.query", "attention.key", "attention.value"]
UNKNOWN_LENGTH = "the length of the run and its warm-up steps are not all there; see --epochs"
BLOCKS = "`soft-prune` finds masks of single weights only"


def is_nn_pruning(tree: Table) -> bool:
    return any(name in tree.entries for name in METHODS)


def read_nn_pruning(tree: Table, length: Length, account: Account) -> Draft:
    """The draft of a file of arguments; every key goes to `account`."""
    keys = Keys(account, "", tree)
    draft = Draft(keys.number("num_train_epochs") or length.epochs, length.steps_per_epoch)
    keys.same("num_train_epochs", f"train.epochs: {draft.epochs}")
    trainer(keys, draft)
    distillation(keys, draft)
    when = _ramp(keys, draft)
    with_dense = keys.flag("attention_output_with_dense", True)
    _group(keys, draft, "attention", QUERIES if with_dense else ["attention"], when)
    _group(keys, draft, "dense", ["ffn", *(["attention.output"] if with_dense else [])], when)
    keys.same("attention_output_with_dense", "the targets of the two passes")
    _regularization(keys)
    others(keys)
    keys.close()
    return draft


def _ramp(keys: Keys, draft: Draft) -> dict[str, float]:
    """Where the thresholds rise, as shares of the run."""
    steps = keys.number("max_steps") or 0.0
    total = steps if steps > 0 else (draft.steps(draft.epochs) if draft.epochs else None)
    warmup = keys.number("warmup_steps")
    names = ("initial_warmup", "final_warmup")
    if steps > 0:
        draft.train["steps"] = int(steps)
        draft.epochs = None
        keys.same("max_steps", f"train.steps: {steps:g}")
    if total is None or warmup is None:
        for name in names:
            keys.lost(name, UNKNOWN_LENGTH)
        keys.lost("warmup_steps", UNKNOWN_LENGTH)
        return {}
    draft.train["warmup"] = warmup / total
    keys.same("warmup_steps", f"train.warmup: {warmup / total:.4g}")
    first, last = (
        keys.number(name, default) or 0.0 for name, default in zip(names, (1, 2), strict=True)
    )
    keys.same("initial_warmup", f"warmup: {first * warmup / total:.4g}")
    keys.same("final_warmup", f"cooldown: {last * warmup / total:.4g}")
    return ramp(total, first * warmup, total - last * warmup, where=keys.at("final_warmup"))


def _group(keys: Keys, draft: Draft, group: str, chosen: list[str], when: dict[str, float]) -> None:
    """The pass for attention or for the dense layers."""
    name = f"{group}_pruning_method"
    method, _, submethod = keys.text(name, "topK").partition(":")
    initial = keys.number("initial_threshold", 1.0) or 0.0
    final = keys.number("final_threshold", 0.5) or 0.0
    rate = keys.number("mask_scores_learning_rate", 1e-2)
    scores = {"start": "zero", "learning_rate": rate}
    options: dict[str, Any] = dict(when)
    if method == "disabled":
        keys.same(name, f"no pass for {listed(chosen)}")
    elif method == SOFT and 0 <= initial < final < 1:
        strength = _strength(keys, group)
        options |= {"regularization": strength, "threshold": final, "every": 1}
        options |= {"schedule": schedule("cubic", 3, initial / final), "scores": scores}
        options["floor"] = keys.share("linear_min_parameters", 0.005)
        keys.same(name, f"soft-prune, regularization: {strength:g}")
        _block(keys, group, submethod, soft=True)
        draft.prune("soft-prune", options, chosen)
    elif method in TOP and 0 <= final <= initial <= 1:
        first = (1 - initial) / (1 - final) if final < 1 else 0.0
        criterion = "movement" if method == "topK" else "magnitude"
        options |= {"criterion": criterion, "sparsity": 1 - final, "every": 1}
        options["schedule"] = schedule("cubic", 3, first)
        options |= {"scores": scores} if criterion == "movement" else {}
        found = _block(keys, group, submethod, soft=False)
        keys.same(name, f"prune, criterion: {criterion}, sparsity: {1 - final:g}")
        draft.prune("prune", options | ({"pattern": found} if found else {}), chosen)
    else:
        keys.lost(name, f"masks by {method!r} with these thresholds are not here")
    for each in ("initial_threshold", "final_threshold"):
        keys.same(each, "the passes' thresholds or sparsities")
    keys.same("mask_scores_learning_rate", f"scores.learning_rate: {rate:g}")


def _block(keys: Keys, group: str, submethod: str, *, soft: bool) -> Any | None:
    """The pattern of a group, where its pass can have one."""
    rows, columns = f"{group}_block_rows", f"{group}_block_cols"
    shape = [int(keys.number(each, 1) or 1) for each in (rows, columns)]
    if shape == [1, 1] and not submethod:
        for each in (rows, columns):
            keys.same(each, "pattern: element")
        return None
    if soft or submethod not in ("", "default"):
        for each in (rows, columns):
            keys.lost(each, BLOCKS if soft else f"no pattern is called {submethod!r} here")
        keys.near(f"{group}_pruning_method", "soft-prune" if soft else "prune", BLOCKS)
        return None
    for each in (rows, columns):
        keys.same(each, f"pattern: block, shape: {listed(shape)}")
    return {"block": {"shape": shape}}


def _strength(keys: Keys, group: str) -> float:
    """The factor of mean(sigmoid(S)) of one group: half of lambda times the group's own."""
    if keys.text("regularization", "disabled") != "l1":
        return 0.0
    own = keys.number(f"{group}_lambda", 1.0) or 0.0
    return 0.5 * own * (keys.number("regularization_final_lambda", 0.0) or 0.0)


def _regularization(keys: Keys) -> None:
    if keys.text("regularization", "disabled") in ("l1", "disabled"):
        keys.same("regularization", "soft-prune.regularization")
    keys.lost("regularization", "only `l1` of sigmoid(score) is here")
    for name in ("regularization_final_lambda", "attention_lambda", "dense_lambda"):
        keys.same(name, "soft-prune.regularization, half of the product")
