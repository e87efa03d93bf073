"""Two models, weight by weight."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from sparsify import saving
from sparsify.compare.changes import Change, Comparison, Section
from sparsify.models import load_model
from sparsify.program import MASK
from sparsify.recipe import Model
from sparsify.saving.manifest import WEIGHTS
from sparsify.zeros import nonzero_count


def compare_models(old: str, new: str) -> Comparison:
    """Shapes, zeros and values of all parameters; `gone` and `come` count numbers not zero.

    An encoder alone and the same with a head name their weights alike but for the head's prefix.

    Raises:
        Problem: one of them is no model.
    """
    before, after = parameters(old), parameters(new)
    before, after = _inside(before, after), _inside(after, before)
    names = dict.fromkeys((*before, *after))
    found = [_change(name, before.get(name), after.get(name)) for name in names]
    changes = [each for each in found if each is not None]
    same = len(found) - len(changes)
    section = Section(name="weights", unit="numbers", changes=changes, same=same)
    return Comparison(kind="models", old=old, new=new, sections=[section])


def parameters(name: str) -> dict[str, Tensor]:
    """The learned tensors of a model by name, masked ones with their zeros; tied ones once."""
    if saving.is_saved(name):
        tensors = load_file(Path(name).expanduser() / WEIGHTS)
        # an empty tensor stands for one that was removed, and positions are learned by nobody
        return {
            n: t
            for n, t in tensors.items()
            if t.numel() and t.is_floating_point() and not n.endswith(MASK)
        }
    source = load_model(Model(path=name))
    return {n: tensor.detach() for n, tensor in source.module.named_parameters()}


def _inside(tensors: dict[str, Tensor], other: dict[str, Tensor]) -> dict[str, Tensor]:
    """`tensors` by the names that they have as a part of `other`, where more of them are in it."""
    parts = dict.fromkeys(name.split(".")[0] + "." for name in other)
    best = max(("", *parts), key=lambda part: sum(part + name in other for name in tensors))
    return {best + name: tensor for name, tensor in tensors.items()}


def _change(name: str, old: Tensor | None, new: Tensor | None) -> Change | None:
    was, then = _facts(old), _facts(new)
    if old is None or new is None or old.shape != new.shape:
        gone, come = _count(old) - _count(new), _count(new) - _count(old)
        return Change(name=name, old=was, new=then, gone=max(gone, 0), come=max(come, 0))
    if torch.equal(old, new):
        return None
    assert then is not None
    differs, there, still = old != new, old != 0, new != 0
    then["moved_fraction"] = _share(differs & there & still)
    if bool((differs & there & still).any()):
        then["largest_move"] = float((old - new)[there & still].abs().max())
    return Change(
        name=name, old=was, new=then,
        gone=int((there & ~still).sum()), come=int((still & ~there).sum()),
    )  # fmt: skip


def _facts(tensor: Tensor | None) -> dict[str, Any] | None:
    if tensor is None:
        return None
    return {"shape": list(tensor.shape), "sparsity_fraction": _share(tensor == 0)}


def _share(marks: Tensor) -> float:
    return int(marks.sum()) / max(marks.numel(), 1)


def _count(tensor: Tensor | None) -> int:
    return 0 if tensor is None else nonzero_count(tensor)
