"""From the place of a validation error to the place in the text, and to its dotted key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sparsify.pipeline import PassChoice
from sparsify.recipe import Recipe
from sparsify.schema.nodes import Entry, Items, Node, Scalar, Spot, Table
from sparsify.schema.shapes import Shape, below, choice, fields


@dataclass(frozen=True)
class Place:
    """One place of a recipe."""

    node: Node
    of: Shape
    """What may stand there."""
    key: Spot
    """Where its key stands."""
    dotted: tuple[str, ...] = ()

    @property
    def spot(self) -> Spot:
        """Where its value stands; nothing stands nowhere, so then it is the key."""
        empty = isinstance(self.node, Scalar) and self.node.text == ""
        return self.key if empty else self.node.spot


def locate(tree: Table, loc: tuple[int | str, ...]) -> Place:
    """The place that pydantic's `loc` means.

    Inside a choice `loc` lacks its name, and inside a union it has the name of an alternative:
    the former is supplied from the tree, the latter is skipped. What is not in the text (it came
    from a default) has the place of what encloses it.
    """
    place = Place(tree, (Recipe,), tree.spot)
    for element in loc:
        place = _enter(place, element)
    return place


def places(tree: Table) -> Iterator[Place]:
    """Every place of a recipe, from the outside to the inside."""
    waiting = [Place(tree, (Recipe,), tree.spot)]
    while waiting:
        place = waiting.pop()
        yield place
        body = chosen(place)
        match body.node:
            case Table(entries=entries):
                waiting += [_enter(body, key) for key in entries]
            case Items(items=items):
                waiting += [_enter(body, position) for position in range(len(items))]


def chosen(place: Place) -> Place:
    """The body of a choice, or the same place where none is made."""
    choices = choice(place.of)
    if choices is None:
        return place
    match place.node:
        case Table(entries=entries) if len(entries) == 1:
            ((name, entry),) = entries.items()
        case Scalar(value=str() as name):
            entry = Entry(place.node.spot, replace(place.node, text="", value=None))
        case _:
            return place
    dotted = (name,) if isinstance(choices, PassChoice) else (*place.dotted, name)
    return Place(entry.node, below(place.of, name), entry.key, dotted)


def _enter(place: Place, element: int | str) -> Place:
    if choice(place.of):
        place = chosen(place)
    under = below(place.of, element)
    match place.node:
        case Table(entries=entries) if str(element) in entries:
            entry = entries[str(element)]
            return Place(entry.node, under, entry.key, (*place.dotted, str(element)))
        case Items(items=items) if isinstance(element, int) and element < len(items):
            is_pass = isinstance(choice(under), PassChoice)
            dotted = place.dotted if is_pass else (*place.dotted, str(element))
            return Place(items[element], under, items[element].spot, dotted)
        case _ if element in fields(place.of):
            return replace(place, of=under, dotted=(*place.dotted, str(element)))
        case _:
            return place
