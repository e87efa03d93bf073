"""Layers that are not alike, one a row: what each has left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from sparsify.inspection.facts import ModelFacts, Removable, Weight
from sparsify.view.marks import Bar
from sparsify.view.tables import Fitted
from sparsify.view.tree import layer_of
from sparsify.view.words import percent, short

COUNTED = {"head": "heads", "kv-group": "groups of heads", "neuron": "neurons"}
"""Kind of a structure that layers have -> what many of it are called."""
SAME = 0.01
"""Shares of zeros that differ by less are even."""


def layers_table(model: ModelFacts) -> RenderableType | None:
    """One row a layer, bars beside the most; None where all layers are alike."""
    layers = _layers(model.weights)
    counts = {kind: _units(model.removable, kind, layers) for kind in COUNTED}
    counts = {kind: units for kind, units in counts.items() if len(set(units.values())) > 1}
    shares = {name: _share(weights) for name, weights in layers.items()}
    uneven = max(shares.values(), default=0.0) - min(shares.values(), default=0.0) >= SAME
    if len(layers) < 2 or not (counts or uneven):
        return None
    figures = [Figures(COUNTED[kind], units, _thousands) for kind, units in counts.items()]
    if uneven:
        figures.append(Figures("zeros", shares, partial(percent, digits=0), most=1.0))
    sizes = {name: sum(each.count for each in own) for name, own in layers.items()}
    figures.append(Figures("params", sizes, short))
    return Fitted(_filled, figures)


@dataclass(frozen=True)
class Figures:
    """One figure of every layer."""

    name: str
    of: Mapping[str, float]
    written: Callable[[float], str]
    most: float = 0.0
    """What a full bar stands for; 0 for the largest."""


def _filled(made: Table, figures: Sequence[Figures], width: int) -> None:
    made.add_column("layer", overflow="fold")
    for each in figures:
        made.add_column(each.name, justify="right", no_wrap=True)
        made.add_column("")
    for layer in figures[0].of:
        cells: list[RenderableType] = []
        for each in figures:
            full = each.most or max(each.of.values())
            cells += [each.written(each.of[layer]), Bar(each.of[layer] / full)]
        made.add_row(Text(layer), *cells)


def _thousands(value: float) -> str:
    return f"{value:,.0f}"


def _layers(weights: Sequence[Weight]) -> dict[str, list[Weight]]:
    found: dict[str, list[Weight]] = {}
    for weight in weights:
        if layer := layer_of(weight.name):
            found.setdefault(layer, []).append(weight)
    return {name: own for name, own in found.items() if any(weight.macs for weight in own)}


def _units(
    removable: Sequence[Removable], kind: str, layers: dict[str, list[Weight]]
) -> dict[str, int]:
    """How many units of a kind each layer has."""
    found = dict.fromkeys(layers, 0)
    for each in removable:
        if each.kind == kind and (layer := layer_of(each.name)) in found:
            found[layer] += each.units
    return found


def _share(weights: Sequence[Weight]) -> float:
    """The share of zeros in the layer's products."""
    products = [weight for weight in weights if weight.macs]
    return sum(w.count * w.sparsity for w in products) / sum(w.count for w in products)
