"""The arguments of nn_pruning's trainer that say how to train and what else to change."""

from __future__ import annotations

from sparsify.importing.draft import Draft
from sparsify.importing.keys import Keys

TRAINER: dict[str, str] = {
    "learning_rate": "train.learning_rate",
    "weight_decay": "train.weight_decay",
    "max_grad_norm": "train.max_grad_norm",
    "per_device_train_batch_size": "train.batch",
    "max_seq_length": "data.max_length",
    "seed": "seed",
}
SCRIPT = (
    "do_train",
    "do_eval",
    "evaluation_strategy",
    "eval_steps",
    "logging_steps",
    "output_dir",
    "overwrite_cache",
    "overwrite_output_dir",
    "per_device_eval_batch_size",
    "save_steps",
    "save_total_limit",
)
NETWORK = "the network keeps its normalisations and activations here"


def trainer(keys: Keys, draft: Draft) -> None:
    for name, new in TRAINER.items():
        if (found := keys.number(name)) is None:
            continue
        whole = int(found) if found.is_integer() and name != "learning_rate" else found
        section, _, leaf = new.rpartition(".")
        if section:
            getattr(draft, section)[leaf] = whole
        else:
            draft.seed = int(found)
        keys.same(name, f"{new}: {whole:g}")


def distillation(keys: Keys, draft: Draft) -> None:
    name = "distil_teacher_name_or_path"
    if keys.value(name):
        share, task = keys.number("distil_alpha_teacher", 0.5), keys.number("distil_alpha_ce", 0.5)
        temperature = keys.number("distil_temperature", 2.0)
        draft.teacher = {"model": keys.text(name)}
        draft.train["task_weight"] = task
        draft.distill["logits"] = {"weight": share, "loss": {"kl": {"temperature": temperature}}}
        keys.same(name, f"teacher.model: {keys.text(name)}")
        keys.same("distil_alpha_teacher", f"distill.logits.weight: {share:g}")
        keys.same("distil_alpha_ce", f"train.task_weight: {task:g}")
        keys.same("distil_temperature", f"distill.logits.loss.kl.temperature: {temperature:g}")
    for each in (name, "distil_alpha_teacher", "distil_alpha_ce", "distil_temperature"):
        keys.needless(each, "no teacher is named")


def others(keys: Keys) -> None:
    if keys.text("ampere_pruning_method", "disabled") == "disabled":
        for name in ("initial_ampere_temperature", "final_ampere_temperature"):
            keys.needless(name, "no N:M masks are learned")
        keys.needless("ampere_pruning_method", "no N:M masks are learned")
    for name in ("ampere_pruning_method", "initial_ampere_temperature", "final_ampere_temperature"):
        keys.lost(name, "learned N:M masks are not here; see `pattern: n-of-m`")
    keys.near("bias_mask", "", "biases stay; `shrink` removes those of removed units")
    start = keys.text("mask_init", "constant")
    zero = start == "constant" and not keys.number("mask_scale", 0.0)
    for name in ("mask_init", "mask_scale"):
        if zero:
            keys.same(name, "scores.start: zero")
        keys.lost(name, "scores start from zero")
    keys.same("linear_min_parameters", "soft-prune.floor")
    for name in ("layer_norm_patch", "gelu_patch"):
        if not keys.flag(name):
            keys.needless(name, NETWORK)
        keys.lost(name, NETWORK)
    for name in ("layer_norm_patch_steps", "layer_norm_patch_start_delta", "gelu_patch_steps"):
        keys.needless(name, NETWORK)
    if not keys.flag("final_finetune"):
        keys.needless("final_finetune", "no second run is asked for")
    keys.lost("final_finetune", "a run of its own here, on the result of this one")
    if keys.value("rewind_model_name_or_path"):
        keys.lost("rewind_model_name_or_path", "heads are not kept after another model's")
    keys.needless("rewind_model_name_or_path", "no model is named")
    keys.needless("eval_with_current_patch_params", NETWORK)
    for name in SCRIPT:
        keys.needless(name, "how the old script ran, not what it did")
