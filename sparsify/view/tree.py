"""A model as a tree of its names, layers that are alike folded into one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sparsify.inspection.facts import Weight


@dataclass
class Branch:
    """A part of the model: its parts by name, and the weight that it is, if it is one."""

    parts: dict[str, Branch] = field(default_factory=dict)
    weight: Weight | None = None

    def add(self, path: Sequence[str], weight: Weight) -> None:
        if not path:
            self.weight = weight
            return
        self.parts.setdefault(path[0], Branch()).add(path[1:], weight)

    def weights(self) -> list[Weight]:
        own = [self.weight] if self.weight else []
        return own + [weight for part in self.parts.values() for weight in part.weights()]

    def outline(self) -> tuple[object, ...]:
        """What two branches must share to be folded: names and roles, not shapes and values."""
        own = (
            (len(self.weight.shape), self.weight.role, self.weight.masked) if self.weight else None
        )
        return own, *((name, part.outline()) for name, part in self.parts.items())


@dataclass(frozen=True)
class Row:
    """A line of the tree with the weights below it, those of all layers where it is folded."""

    depth: int
    label: str
    weights: tuple[Weight, ...]
    is_weight: bool
    """Whether the line is one weight, or one weight of each layer that is alike."""


def rows(weights: Sequence[Weight]) -> list[Row]:
    """The lines of the tree, in order.

    Vectors have none, but count where they belong. A part with one part shares its line. Layers
    that are numbered and have the same names and roles share one, however they differ in shape
    and zeros.
    """
    root = Branch()
    for weight in weights:
        root.add(weight.name.split("."), weight)
    return list(_below([root], 0))


def layer_of(name: str) -> str:
    """The numbered part that a parameter belongs to: `encoder.layer.3`; empty where there is none.

    A model's outermost number counts: experts lie inside a layer.
    """
    parts = name.split(".")
    number = next((place for place, part in enumerate(parts) if part.isdigit()), None)
    return "" if number is None else ".".join(parts[: number + 1])


def _below(alike: Sequence[Branch], depth: int) -> Iterator[Row]:
    for label, branches in _folded(alike):
        yield from _lines(label, branches, depth)


def _lines(label: str, branches: Sequence[Branch], depth: int) -> Iterator[Row]:
    inside = _folded(branches)
    while branches[0].weight is None and len(inside) == 1:
        (more, branches) = inside[0]
        label = _joined(label, more)
        inside = _folded(branches)
    weights = tuple(weight for branch in branches for weight in branch.weights())
    is_weight = branches[0].weight is not None
    yield Row(depth, label.removesuffix(".weight"), weights, is_weight)
    yield from _below(branches, depth + 1)


def _joined(label: str, more: str) -> str:
    """`12 x encoder.layer` of `encoder.layer` and `12 x 0-11`."""
    count, times, _ = more.partition(" x ")
    return f"{count} x {label}" if times else f"{label}.{more}"


def _folded(alike: Sequence[Branch]) -> list[tuple[str, list[Branch]]]:
    """The parts of branches of one outline that hold more than vectors, twins together."""
    groups: dict[object, tuple[list[str], list[Branch]]] = {}
    for name, part in alike[0].parts.items():
        if all(weight.role == "vector" for weight in part.weights()):
            continue
        key = ("layers", part.outline()) if name.isdigit() else name
        names, branches = groups.setdefault(key, ([], []))
        names.append(name)
        branches.extend(branch.parts[name] for branch in alike)
    return [(_label(names), branches) for names, branches in groups.values()]


def _label(names: Sequence[str]) -> str:
    """`3 x 0-2` for layers that share a line."""
    if len(names) == 1:
        return names[0]
    return f"{len(names)} x {ranges([int(name) for name in names])}"


def ranges(numbers: Sequence[int]) -> str:
    """`0-2, 5` of 0, 1, 2 and 5."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][-1] + 1:
            found[-1].append(number)
        else:
            found.append([number])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in found)
