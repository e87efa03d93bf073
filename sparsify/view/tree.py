"""A model as a tree of its names, layers that are alike folded into one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.text import Text
from rich.tree import Tree

from sparsify.view.weights import Weight, shape_words
from sparsify.view.words import number, percent


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

    @property
    def is_layer(self) -> bool:
        """Whether its parts are weights and nothing else: they then share its line."""
        return bool(self.parts) and all(
            part.weight and not part.parts for part in self.parts.values()
        )

    def outline(self) -> tuple[object, ...]:
        """What two branches must share to be folded: names, shapes and roles, not values."""
        own = (self.weight.shape, self.weight.role, self.weight.masked) if self.weight else None
        return own, *((name, part.outline()) for name, part in self.parts.items())


def model_tree(title: str, weights: Sequence[Weight]) -> Tree:
    """Parts with their parameters and zeros; numbered layers of one outline share a line."""
    root = Branch()
    for weight in weights:
        root.add(weight.name.split("."), weight)
    tree = Tree(_label(title, [root]), guide_style="dim")
    _grow(tree, [root])
    return tree


def _grow(tree: Tree, alike: Sequence[Branch]) -> None:
    """Add the parts of `alike`, which have one outline, to `tree`."""
    for names, branches in _folded(alike):
        label = names[0] if len(names) == 1 else f"{names[0]} ... {names[-1]} ({len(names)} alike)"
        grown = tree.add(_label(label, branches))
        if not branches[0].is_layer:
            _grow(grown, branches)


def _folded(alike: Sequence[Branch]) -> list[tuple[list[str], list[Branch]]]:
    """Neighbouring numbered parts of one outline together, everything else on its own."""
    groups: list[tuple[list[str], list[Branch]]] = []
    last: tuple[object, ...] | None = None
    for name, part in alike[0].parts.items():
        twins = [branch.parts[name] for branch in alike]
        outline = part.outline() if name.isdigit() else None
        if outline is not None and outline == last:
            groups[-1][0].append(name)
            groups[-1][1].extend(twins)
        else:
            groups.append(([name], twins))
        last = outline
    return groups


def _label(name: str, branches: Sequence[Branch]) -> Text:
    weights = [weight for branch in branches for weight in branch.weights()]
    label, first = Text(name, "bold"), branches[0]
    if first.weight is not None:
        label.append(f"  {_described(first.weight)}", "dim")
    elif first.is_layer:
        own = [
            f"{name} {_described(part.weight)}" for name, part in first.parts.items() if part.weight
        ]
        label.append(f"  {', '.join(own)}", "dim")
    else:
        label.append(f"  {number(sum(weight.count for weight in weights))} parameters", "dim")
    return label.append(_zeros(weights), "cyan")


def _described(weight: Weight) -> str:
    """Shape and role; what a vector is, its shape says."""
    shape = shape_words(weight.shape)
    return shape if weight.role == "vector" else f"{shape} {weight.role}"


def _zeros(weights: Sequence[Weight]) -> str:
    """The share of zeros, as a range where weights differ; nothing while all are dense.

    Vectors are left out: fresh biases are all zero, and nobody pruned them.
    """
    shares = [
        weight.sparsity
        for weight in weights
        if weight.masked or (weight.role != "vector" and weight.sparsity >= 0.01)
    ]
    if not shares:
        return ""
    low, high = percent(min(shares)), percent(max(shares))
    return f"  {low} zero" if low == high else f"  {low} to {high} zero"
