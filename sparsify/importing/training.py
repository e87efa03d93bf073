"""SparseML's modifiers of training: its length, learning rates, distillation."""

from __future__ import annotations

from collections.abc import Sequence

from sparsify.importing import targets
from sparsify.importing.draft import Draft
from sparsify.importing.keys import LOGGED, Keys
from sparsify.importing.rows import listed
from sparsify.tasks import SPAN

ONE_RATE = "one learning rate for the whole run: up for `warmup`, then straight down to zero"
LOGITS = "of outputs only `logits`, or those of starts and ends of answers, are distilled"


def epoch_range(keys: Keys, draft: Draft) -> None:
    if (keys.number("start_epoch", 0.0) or 0.0) > 0:
        keys.near("start_epoch", "", "a run begins at its first step")
    keys.same("start_epoch", "a run begins at its first step")
    keys.same("end_epoch", f"train.epochs: {draft.epochs:g}" if draft.epochs else "")


def learning_rates(modifiers: Sequence[Keys], draft: Draft) -> None:
    """All modifiers of the learning rate together: the highest one is kept."""
    rates = [_rate(keys) for keys in modifiers]
    if not modifiers or not any(rates):
        for keys in modifiers:
            keys.close("no learning rate is found in it")
        return
    highest = rates.index(max(rates))
    draft.train["learning_rate"] = rates[highest]
    for number, keys in enumerate(modifiers):
        name = "init_lr" if "init_lr" in keys else "learning_rate"
        says = _course(keys, draft) if len(modifiers) == 1 else ""
        if number != highest:
            keys.lost(name, ONE_RATE)
        keys.same(name, f"train.learning_rate: {rates[highest]:g}")
        if says:
            for each in ("lr_func", "final_lr", "start_epoch", "end_epoch", "cycle_epochs"):
                keys.same(each, says)
        for each in ("lr_func", "final_lr", "start_epoch", "end_epoch", "cycle_epochs"):
            keys.near(each, "", ONE_RATE)
        keys.needless("constant_logging", LOGGED)
        keys.close(ONE_RATE)


def weight_decay(keys: Keys, draft: Draft) -> None:
    draft.train["weight_decay"] = keys.need("weight_decay")
    keys.same("weight_decay", f"train.weight_decay: {draft.train['weight_decay']:g}")
    keys.needless("start_epoch", "from the first step on")


def trainable(keys: Keys, draft: Draft) -> None:
    """Parameters that do not learn."""
    names = targets.parameters(keys.words("params"))
    if keys.flag("trainable", True):
        keys.needless("trainable", "what is not frozen learns")
        keys.needless("params", "what is not frozen learns")
    else:
        draft.train.setdefault("freeze", []).extend(names)
        keys.same("trainable", "train.freeze")
        keys.same("params", f"train.freeze: {listed(names)}")
    for name in ("start_epoch", "end_epoch"):
        keys.near(name, "", "frozen for the whole run")
    keys.needless("params_strict", "a target that matches nothing is a mistake here")


def distillation(keys: Keys, draft: Draft) -> None:
    hardness = keys.share("hardness", 0.5)
    temperature = keys.number("temperature", 2.0)
    assert hardness is not None
    draft.teacher = draft.teacher or {}
    if hardness:
        draft.distill["logits"] = {"weight": hardness, "loss": {"kl": {"temperature": temperature}}}
    draft.train["task_weight"] = 1.0 - hardness
    keys.same("hardness", f"distill.logits.weight: {hardness:g}, task_weight: {1 - hardness:g}")
    keys.same("temperature", f"distill.logits.loss.kl.temperature: {temperature:g}")
    _outputs(keys, draft)
    keys.needless("teacher_input_keys", "the teacher gets what the student gets")
    for name in ("start_epoch", "end_epoch"):
        given = keys.number(name, -1.0)
        if given in (-1.0, 0.0 if name == "start_epoch" else draft.epochs):
            keys.same(name, "for the whole run")
        keys.near(name, "", "distilled for the whole run")
    keys.needless("update_frequency", "distilled in every step")
    keys.needless("log_types", LOGGED)


def _outputs(keys: Keys, draft: Draft) -> None:
    """Which outputs are distilled: two of them are those of a model that answers questions."""
    named = set(keys.words("distill_output_keys"))
    if named == set(SPAN):
        draft.data["task"] = "question-answering"
        keys.same("distill_output_keys", "distill.logits, data.task: question-answering")
    elif named - {"logits"}:
        keys.lost("distill_output_keys", LOGITS)
    keys.same("distill_output_keys", "distill.logits")


def _course(keys: Keys, draft: Draft) -> str:
    """Set how the only rate goes through the whole run; what says so, or nothing if it cannot."""
    ends = keys.number("end_epoch", draft.epochs)
    if keys.number("start_epoch", 0.0) or ends not in (-1.0, draft.epochs) or not draft.epochs:
        return ""
    curve, last = keys.text("lr_func", "constant"), keys.number("final_lr", 0.0)
    if curve == "constant":
        draft.train |= {"warmup": 0.0, "decay": "none"}
        return "train.decay: none"
    if last or curve not in ("linear", "cyclic_linear"):
        return ""
    draft.train["warmup"] = 0.0
    cycles = draft.epochs / keys.need("cycle_epochs") if curve == "cyclic_linear" else 1.0
    if cycles != round(cycles):
        return ""
    if cycles > 1:
        draft.train["cycles"] = round(cycles)
    return f"train.warmup: 0, cycles: {cycles:g}, each down to zero"


def _rate(keys: Keys) -> float:
    found = keys.number("init_lr", keys.number("learning_rate", 0.0))
    return found or 0.0
