"""Why a model of the zoo cannot pass a step, where the reason lies outside of this project."""

from __future__ import annotations

CAUSES: dict[tuple[str, str], str] = {
    ("longformer / sequence-classification", "capture"): (
        "transformers 5 asks a tensor of the mask whether any token attends globally "
        "(`is_index_global_attn.flatten().any().item()`, modeling_longformer.py:1175) and computes "
        "with only those (`nonzero`), which no graph of fixed operations holds; with "
        '`capture.opaque: ["*.encoder"]` the rest is captured.'
    ),
}
"""(row, step) -> the cause, in a sentence that names who would have to change what."""
