"""The verb `show`: a run, an ONNX file or a model, as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sparsify.cli import runs, screen
from sparsify.cli.options import Json
from sparsify.cli.runs import matching
from sparsify.errors import Problem

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sparsify.inspection.facts import Weight


class Order(StrEnum):
    """What a list of weights can be sorted by; the largest first, but for the graph's order."""

    GRAPH = "graph"
    ZEROS = "zeros"
    SIZE = "size"
    MACS = "macs"


Weights = Annotated[
    str | None,
    typer.Option("--weights", metavar="GLOB", help="List the weights whose names match."),
]


def show(
    target: Annotated[
        str,
        typer.Argument(metavar="TARGET", help="A run's folder, an ONNX file, or a model."),
    ],
    weights: Weights = None,
    sort: Annotated[
        Order, typer.Option("--sort", help="What --weights lists first: the most of it.")
    ] = Order.GRAPH,
    weight: Annotated[
        str | None,
        typer.Option(
            "--weight",
            metavar="NAME",
            help="Show one weight: its name, the end of it, or letters such as 3.q or 0.up.",
        ),
    ] = None,
    graph: Annotated[
        bool, typer.Option("--graph", help="Print the graph of a model, one line a call.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show a run, an ONNX file, or a model: its parts, weights, zeros and graph."""
    from sparsify.report import REPORT

    path = Path(target)
    is_onnx = path.suffix == ".onnx"
    for option, given in (("--graph", graph), ("--weight", weight is not None)):
        if given and (is_onnx or path.name == REPORT):
            hint = "name the model's folder"
            raise Problem(f"{option} shows models only", where=target, hint=hint)
    if weight is not None:
        _weight(target, weight, as_json)
    elif is_onnx:
        _onnx(path, weights, as_json)
    elif graph or not runs.shown(path, weights, as_json):
        _model(target, weights, sort, graph, as_json)


def _onnx(path: Path, weights: str | None, as_json: bool) -> None:
    from sparsify.export import inspect_onnx

    summary = inspect_onnx(path)
    names = set(matching([weight.name for weight in summary.weights], weights))

    def view() -> RenderableType:
        from sparsify.view.onnx import onnx_view

        return onnx_view(summary, names)

    screen.answer(as_json, lambda: asdict(summary), view)


def _weight(target: str, said: str, as_json: bool) -> None:
    from sparsify.history import weight_history
    from sparsify.inspection.find import find_weight
    from sparsify.inspection.model import inspected, matrix
    from sparsify.inspection.weight import weight_detail

    program, model = inspected(target)
    weight = find_weight(model.weights, said, where=f"--weight {said}")
    history = weight_history(Path(target), weight.name)
    detail = weight_detail(weight, matrix(program, weight.name), history)

    def view() -> RenderableType:
        from sparsify.view.weight import WeightView

        return WeightView(detail)

    screen.answer(as_json, detail.facts, view)


def _model(target: str, weights: str | None, sort: Order, graph: bool, as_json: bool) -> None:
    from sparsify.inspection.model import inspected

    program, model = inspected(target, free=graph)
    names = set(matching([weight.name for weight in model.weights], weights))
    chosen = sorted(
        (weight for weight in model.weights if weight.name in names), key=SORTED[sort], reverse=True
    )

    def facts() -> dict[str, Any]:
        from sparsify.text import to_text

        made = model.facts() | {"weights": [each.facts() for each in chosen]}
        return made | {"graph": to_text(program)} if graph else made

    def view() -> RenderableType:
        from sparsify.inspection.graph import graph_lines
        from sparsify.view.graph import GraphView
        from sparsify.view.model import model_view
        from sparsify.view.weights import weights_table

        if graph:
            return GraphView([*graph_lines(program, model)])
        return model_view(model) if weights is None else weights_table(chosen)

    screen.answer(as_json, facts, view)


SORTED: dict[Order, Callable[[Weight], float]] = {
    Order.GRAPH: lambda _weight: 0,
    Order.ZEROS: lambda weight: weight.sparsity,
    Order.SIZE: lambda weight: weight.count,
    Order.MACS: lambda weight: weight.macs,
}
"""What weights are sorted by, the largest first; sorting keeps the graph's order of equals."""
