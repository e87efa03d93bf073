"""Which submodules stay as they are, and what of their results is known from their arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from sparsify.capture.blame import FAILURES
from sparsify.errors import Problem, nearest
from sparsify.examples import at_sizes, other_sizes

Where = tuple[int, int]
"""A dimension: of which argument of the submodule, or after those of which input; which one."""


def matching(model: nn.Module, patterns: Iterable[str]) -> tuple[str, ...]:
    """The submodules that names or globs mean, without those inside another one of them.

    Raises:
        Problem: a pattern matches nothing.
    """
    # a list of modules is not called itself
    names = [
        name
        for name, part in model.named_modules()
        if name and type(part).forward is not nn.Module.forward
    ]
    found: set[str] = set()
    for pattern in patterns:
        hits = [name for name in names if fnmatchcase(name, pattern)]
        if not hits:
            raise Problem(
                f"{pattern!r} matches no submodule",
                where="capture.opaque",
                hint=nearest(pattern, names),
            )
        found.update(hits)
    return tuple(
        name
        for name in names
        if name in found and not any(name.startswith(f"{outer}.") for outer in found)
    )


@dataclass
class Call:
    """One call of an opaque submodule, as seen when the model ran."""

    name: str
    arguments: list[list[torch.Size]] = field(default_factory=list)
    """For every run, the shapes of the tensors that go in, and of the model's own inputs."""
    results: list[list[torch.Size]] = field(default_factory=list)
    kinds: list[tuple[torch.dtype, torch.device]] = field(default_factory=list)
    leaves: list[Any] = field(default_factory=list)
    """What comes out, flat."""
    structure: Any = None
    """How the leaves are nested."""

    def sizes(self, result: int) -> list[int | Where]:
        """For each dimension of a result: its size, or the dimension of an argument that it has."""
        shapes = [run[result] for run in self.results]
        found: list[int | Where] = []
        for place in range(len(shapes[0])):
            seen = [shape[place] for shape in shapes]
            found.append(seen[0] if len(set(seen)) == 1 else self._origin(seen))
        return found

    def _origin(self, seen: list[int]) -> Where:
        for number, shape in enumerate(self.arguments[0]):
            for place in range(len(shape)):
                if [run[number][place] for run in self.arguments] == seen:
                    return number, place
        raise Problem(
            "the sizes of what it returns do not follow from what it is given",
            where=f"capture.opaque: {self.name}",
            hint="name a larger submodule",
        )


def watch(
    model: nn.Module,
    names: Sequence[str],
    inputs: Mapping[str, Tensor],
    dynamic: Mapping[str, Mapping[int, str]],
) -> list[Call]:
    """Run the model at several sizes, and see what goes into the submodules and comes out."""
    runs = [inputs]
    runs += [at_sizes(inputs, dynamic, other_sizes(inputs, dynamic, n), seed=n) for n in (0, 2)]
    calls: list[Call] = []
    for number, each in enumerate(runs):
        try:
            seen = _seen(model, names, each)
        except FAILURES:
            if number == 0:
                raise
            continue
        calls = calls or [Call(name) for name, _, _ in seen]
        for call, (_, given, out) in zip(calls, seen, strict=True):
            call.leaves, call.structure = pytree.tree_flatten(out)
            tensors = [leaf for leaf in call.leaves if isinstance(leaf, Tensor)]
            call.arguments.append([tensor.shape for tensor in (*given, *each.values())])
            call.results.append([tensor.shape for tensor in tensors])
            call.kinds = [(tensor.dtype, tensor.device) for tensor in tensors]
    return calls


def _seen(
    model: nn.Module, names: Sequence[str], inputs: Mapping[str, Tensor]
) -> list[tuple[str, list[Tensor], Any]]:
    """Every call of the submodules in one run: name, tensors that go in, what comes out."""
    found: list[tuple[str, list[Tensor], Any]] = []

    def note(name: str) -> Any:
        def hook(_: nn.Module, args: Any, kwargs: Any, out: Any) -> None:
            leaves = pytree.tree_leaves((args, kwargs))
            found.append((name, [leaf for leaf in leaves if isinstance(leaf, Tensor)], out))

        return hook

    handles = [
        model.get_submodule(name).register_forward_hook(note(name), with_kwargs=True)
        for name in names
    ]
    training = model.training
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            model.eval()(**inputs)
    finally:
        model.train(training)
        for handle in handles:
            handle.remove()
    return found
