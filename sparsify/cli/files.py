"""The verbs around ONNX files: write one, and time some beside one another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sparsify.cli import screen
from sparsify.cli.options import Json, Quiet
from sparsify.cli.runs import contents
from sparsify.errors import Problem

OPSET = 20
Values = Annotated[
    str | None, typer.Option(metavar="TYPE", help="Of stored numbers: f32, f16 or int8.")
]
Activations = Annotated[
    str | None,
    typer.Option(
        metavar="TYPE", help="int8: sparse layers multiply 8-bit integers where that pays."
    ),
]


def export(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A run's folder, or a model's.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Where the files go.")
    ],
    opset: Annotated[int, typer.Option(min=17, max=23, help="The ONNX opset.")] = OPSET,
    lowering: Annotated[
        str, typer.Option(metavar="NAME", help="How weights are stored: auto, sparse or dense.")
    ] = "auto",
    values: Values = None,
    activations: Activations = None,
    quantize: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="dynamic: a second file, what is dense in 8 bits."),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write TARGET as ONNX with its tokenizer and configuration, and check it."""
    from sparsify import run as runner

    options = {"values": values, "activations": activations}
    given = {name: kind for name, kind in options.items() if kind}
    how = {lowering: given} if given else lowering
    with screen.watching(quiet=quiet) as watch:
        made = runner.export_model(
            target, output, opset=opset, lowering=how, quantize=quantize, watch=watch
        )

    def view() -> Any:
        from sparsify.view.export import export_view

        return export_view(made, output, contents(output))

    screen.answer(as_json, lambda: made.model_dump(mode="json"), view)


def bench(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="A.onnx B.onnx ...", help="Files to time, the yardstick first."),
    ],
    batch: Annotated[int, typer.Option(min=1, help="Rows in one call.")] = 1,
    sequence: Annotated[int, typer.Option(min=1, help="Tokens in a row.")] = 128,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="Threads of one operator.", show_default="the physical cores"),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each file is timed.")] = 50,
    dim: Annotated[
        list[str], typer.Option(metavar="NAME=N", help="The size of another dimension, by name.")
    ] = [],  # noqa: B006  typer's default, which nothing changes
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Time ONNX files in ONNX Runtime, interleaved, so that a busy machine slows all alike."""
    from sparsify.runtime import bench as measure

    with screen.watching(quiet=quiet) as watch:
        watch.begin("bench", rounds)
        found = measure(
            files,
            batch=batch,
            sequence=sequence,
            sizes=_sizes(dim),
            threads=threads,
            rounds=rounds,
            progress=lambda done, _rounds: watch.advance("bench", done, {}),
        )

    def view() -> Any:
        from sparsify.runtime.library import missing_library
        from sparsify.view.latency import latency_table

        return latency_table(found, missing_library())

    screen.answer(as_json, lambda: [each.model_dump(mode="json") for each in found], view)


def _sizes(said: list[str]) -> dict[str, int]:
    """`height=224` by name; a size is a whole number above 0."""
    found = {}
    for each in said:
        name, _, size = each.rpartition("=")
        if not name or not size.isdecimal() or int(size) < 1:
            raise Problem("expected NAME=N, such as height=224", where=f"--dim {each}")
        found[name] = int(size)
    return found
