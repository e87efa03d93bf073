"""SparseML's and llm-compressor's modifiers that prune by what a few samples say, as passes."""

from __future__ import annotations

from statistics import fmean
from typing import Any

from sparsify.importing.draft import Draft, pattern
from sparsify.importing.keys import Keys
from sparsify.importing.pruning import chosen_targets
from sparsify.importing.ramps import when
from sparsify.importing.rows import listed

ORDER = "weights are pruned in the program's order, each on what reaches it"
OWL = "layers get their own sparsity by outliers (OWL) there; all get the same here"


def sparse_gpt(keys: Keys, draft: Draft) -> None:
    options, groups = _what(keys)
    if groups:
        options["block"] = groups
        keys.near("block_size", f"block: {groups}", "groups of N:M are chosen one after another")
    elif block := keys.number("block_size", 128):
        options["block"] = int(block)
        keys.same("block_size", f"block: {int(block)}")
    if (damping := keys.number("dampening_frac")) is not None:
        options["damping"] = damping
        keys.same("dampening_frac", f"damping: {damping:g}")
    keys.needless("preserve_sparsity_mask", "what earlier passes zeroed stays zero")
    keys.needless("offload_hessians", "one weight is in memory at a time")
    draft.prune("sparsegpt", options, _rest(keys))


def wanda(keys: Keys, draft: Draft) -> None:
    options, _ = _what(keys)
    draft.prune("prune", {"criterion": "wanda", **options, "scope": "row"}, _rest(keys))


def obs(keys: Keys, draft: Draft) -> None:
    """oBERT, along its schedule, or at once where it has none."""
    share, initial = keys.need_share("final_sparsity"), keys.share("init_sparsity", 0.0) or 0.0
    keys.same("final_sparsity", f"sparsity: {share:g}")
    options: dict[str, Any] = {"sparsity": share}
    found = pattern(keys.structure("mask_type"))
    if found not in (None, "element"):
        options["pattern"] = found
    keys.same("mask_type", f"pattern: {listed(found)}")
    options["scope"] = "global" if keys.flag("global_sparsity") else "weight"
    keys.same("global_sparsity", f"scope: {options['scope']}")
    if (damping := keys.number("damp")) is not None:
        options["damping"] = damping
        keys.same("damp", f"damping: {damping:g}")
    if (block := keys.number("fisher_block_size")) is not None:
        options["block"] = int(block)
        keys.same("fisher_block_size", f"block: {int(block)}")
    if (samples := keys.number("num_grads")) is not None:
        draft.data["calibration_rows"] = int(samples)
        keys.near("num_grads", f"data.calibration_rows: {samples:g}", "a gradient is of one sample")
    keys.needless("grad_sampler_kwargs", "gradients are of one sample each")
    first = initial / share if initial <= share and share else 0.0
    options |= when(keys, draft, first, in_steps=True)
    keys.same("init_sparsity", f"schedule: first {first:.4g} of the sparsity")
    keys.needless("leave_enabled", "masks stay")
    draft.prune("obert", options, chosen_targets(keys))


def _what(keys: Keys) -> tuple[dict[str, Any], int]:
    """Sparsity and pattern, and the size of the groups of an N:M pattern."""
    found = pattern(keys.structure("mask_structure"), pruned=True)
    shares = keys.shares("sparsity")
    if len(shares) > 1:
        keys.lost("sparsity", "one sparsity for each layer; give each its own pass")
    if isinstance(found, dict) and "n-of-m" in found:
        n, m = found["n-of-m"]["n"], found["n-of-m"]["m"]
        keys.same("mask_structure", f"pattern: {listed(found)}")
        keys.same("sparsity", f"sparsity: {1 - n / m:g}")
        return {"sparsity": 1 - n / m, "pattern": found}, m
    if found is None:
        keys.lost("mask_structure", "no such pattern here; single weights are pruned")
    keys.same("mask_structure", "pattern: element")
    share = fmean(shares) if shares else keys.need_share("sparsity")
    keys.same("sparsity", f"sparsity: {share:g}")
    return {"sparsity": share}, 0


def _rest(keys: Keys) -> list[str]:
    for name in ("sequential_update", "sequential_targets"):
        keys.needless(name, ORDER)
    for name in ("sparsity_profile", "owl_m", "owl_lmbda"):
        keys.lost(name, OWL)
    return chosen_targets(keys)
