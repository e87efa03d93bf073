"""A model while it is traced: without caches, and without branches that are drawn at random."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

OFF: tuple[tuple[str, object], ...] = (
    ("use_cache", False),
    ("use_mems_eval", False),
    ("use_mems_train", False),
    ("apply_spec_augment", False),
    ("mask_time_prob", 0.0),
    ("mask_feature_prob", 0.0),
)
"""Fields of configurations: what is remembered between calls, and what hides parts of a signal."""
RANDOM_DEPTH = "layerdrop"
"""What fields and attributes end in that say how often a whole layer is left out."""
CHOOSES_EXPERTS, ATTENTION = "set_experts_implementation", "_attn_implementation"
"""What Hugging Face's models and configurations call a choice between several ways to compute."""


@contextmanager
def settled(model: nn.Module, steady: Iterable[str] = ()) -> Iterator[None]:
    """Switch off what no graph can hold, and put it back.

    Args:
        model: any module.
        steady: submodules that shall do in training what they do in evaluation, each by itself:
            what is inside it stays as it is.
    """
    undo: list[tuple[Any, str, object]] = []

    def put(owner: Any, name: str, value: object) -> None:
        before = getattr(owner, name, None)
        if before is not None and before != value:
            undo.append((owner, name, before))
            setattr(owner, name, value)

    try:
        for part in model.modules():
            config = getattr(part, "config", None)
            for owner in (part, config):
                for name in [*getattr(owner, "__dict__", ())]:
                    if name.endswith(RANDOM_DEPTH):
                        put(owner, name, 0.0)
            for name, value in OFF:
                put(config, name, value)
        for name in steady:
            put(model.get_submodule(name), "training", False)
        yield
    finally:
        for owner, name, before in reversed(undo):
            setattr(owner, name, before)


@contextmanager
def batched_experts(model: nn.Module) -> Iterator[None]:
    """Have experts computed as products that a graph holds and ONNX knows."""
    found: list[Any] = [each for each in model.modules() if hasattr(each, CHOOSES_EXPERTS)]
    able = [each for each in found[:1] if each._can_set_experts_implementation()]
    chosen = [each.get_experts_implementation() for each in able]
    try:
        for each in able:
            each.set_experts_implementation("batched_mm")
        yield
    finally:
        for each, implementation in zip(able, chosen, strict=True):
            each.set_experts_implementation(implementation)


@contextmanager
def eager_attention(model: nn.Module) -> Iterator[bool]:
    """Have attention computed as it is written out; yields whether that is a change."""
    undo: list[tuple[Any, str]] = []
    for part in model.modules():
        config: Any = getattr(part, "config", None)
        chosen = getattr(config, ATTENTION, None)
        if isinstance(chosen, str) and chosen != "eager":
            undo.append((config, chosen))
            setattr(config, ATTENTION, "eager")
    try:
        yield bool(undo)
    finally:
        for config, chosen in reversed(undo):
            setattr(config, ATTENTION, chosen)
